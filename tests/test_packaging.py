"""What is installed is whole: the wheel, what it says of itself, and what it needs."""

from __future__ import annotations

import ast
import email
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest
from trial import ROOT, Page, Program, get

import mentra_sync

PACKAGE = ROOT / "mentra_sync"
BUILD = "import setuptools.build_meta as backend, sys; backend.build_{}(sys.argv[1])"

DISTRIBUTION_OF = {
    "PIL": "pillow",
    "dotenv": "python-dotenv",
    "jwt": "pyjwt",
    "websocket": "websocket-client",
    "werkzeug": "flask",
    "itsdangerous": "flask",
    "marshmallow": "dataclasses-json",
}
"""Modules whose distribution has another name, or that come with one that is asked for."""


LOADED_BY_ITSELF = {"pytest"}
"""What loads the one part of the package that imports it."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing is left behind here."""
    folder = tmp_path_factory.mktemp("wheel")
    return _built("wheel", folder / "source", folder)


def _built(kind: str, source: Path, folder: Path) -> Path:
    """The one wheel in a folder, built from a copy of the project."""
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.rst", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(PACKAGE, source / "mentra_sync", ignore=_caches)
    built = subprocess.run(
        [sys.executable, "-c", BUILD.format(kind), str(folder)],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    said = built.stdout + built.stderr
    assert not re.search(r"(?i)deprecat|will be ignored|warning: no files", said), said
    [path] = folder.glob("*.whl")
    return path


def test_wheel_has_every_file_of_the_package_and_no_other(wheel: Path):
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and not _caches("", [path.name, path.parent.name])
    }
    with ZipFile(wheel) as archive:
        there = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert there == wanted
    assert {"mentra_sync/py.typed", "mentra_sync/simulator/page/index.html"} <= there


def test_wheel_is_for_every_python_and_machine(wheel: Path):
    assert wheel.name == f"mentra_sync-{mentra_sync.__version__}-py3-none-any.whl"


def test_metadata_tells_what_it_is(wheel: Path):
    metadata = _metadata(wheel)
    assert metadata["Name"] == "mentra-sync"
    assert metadata["Version"] == mentra_sync.__version__
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["Description-Content-Type"] == "text/x-rst"
    assert metadata["Provides-Extra"] == "test"
    assert "MIT" in (metadata["License-Expression"] or metadata["License"])
    assert metadata["License-File"] == "LICENSE"
    readme = (ROOT / "README.rst").read_text(encoding="utf-8")
    assert metadata.get_payload().strip() == readme.strip()


def test_wheel_runs_an_app_with_its_page(wheel: Path, tmp_path: Path):
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    script = tmp_path / "where.py"
    script.write_text(
        "import mentra_sync\n"
        "print(mentra_sync.__file__, flush=True)\n"
        "app = mentra_sync.AppServer()\n"
        "app.session_handler(lambda session: session.layouts.show_text_wall('From a wheel'))\n"
        "app.run()\n"
    )
    installed = str(tmp_path / "installed")
    with Program(script, tmp_path, PYTHONPATH=installed) as program:
        address = program.address()
        assert program.output.startswith(installed)
        assert "<html" in get(address)
        with Page(address) as page:
            page.see("From a wheel")


def test_an_editable_install_is_found_beside_a_folder_of_its_name(tmp_path: Path):
    """As from the folder above a checkout: Python looks there first."""
    checkout = tmp_path / "above" / "mentra_sync"
    checkout.parent.mkdir()
    site_packages = tmp_path / "installed"
    with ZipFile(_built("editable", checkout, tmp_path)) as archive:
        archive.extractall(site_packages)
    program = (
        f"import site; site.addsitedir({str(site_packages)!r})\n"
        "from mentra_sync import AppServer; import mentra_sync; print(mentra_sync.__file__)"
    )
    # -S and the paths by hand: this very package may be installed here in another way.
    others = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    program = f"import sys; sys.path += {others!r}\n{program}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=checkout.parent,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(checkout / "mentra_sync" / "__init__.py"), done.stderr


def test_everything_imported_is_asked_for():
    """Not by way of something else that happens to need it too."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    asked = {
        re.split(r"[^A-Za-z0-9_.-]", line.strip())[0].lower().replace("_", "-")
        for line in config["options"]["install_requires"].splitlines()
        if line.strip()
    }
    imported = {module for path in PACKAGE.rglob("*.py") for module in _imported(path)}
    others = imported - sys.stdlib_module_names - {"mentra_sync"}
    others -= LOADED_BY_ITSELF
    needed = {DISTRIBUTION_OF.get(name, name.replace("_", "-")).lower() for name in others}
    assert needed - asked == set(), "missing from install_requires"
    assert asked - needed == set(), "nothing imports them"


def _metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_string(archive.read(name).decode())


def _imported(path: Path) -> set[str]:
    """The first parts of the names of all modules that a file imports at run time."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_checkers = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in set(ast.walk(tree)) - for_checkers:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def _caches(_: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__" or name.endswith((".pyc", ".pyo"))}
