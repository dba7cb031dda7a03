"""The house rules: who may know whom, what may be loaded late, and how a file is made.

The layers, from the ground up::

    foundation <- protocol <- runtime <- features <- session <- webview <- server <- top
                  display  <------------ features, session
                  protocol, display <- simulator <- server (which starts it), top

Every import counts: at the top of a file, inside a function, and under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import mentra_sync

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PACKAGE = ROOT / "mentra_sync"
LONGEST_FILE = 450

TOP_LEVEL = {
    *("README.rst", "LICENSE", "setup.cfg", "pyproject.toml"),
    *("mentra_sync", "tests", "examples"),
}
BY_PRODUCTS = ("*.egg-info", "__pycache__", "build", "dist", "node_modules")
"""What building and running leave behind at the top level; git ignores it."""

FOUNDATION = {"_version", "clock", "config", "errors", "hiding", "hints", "listening", "log"}
SERVER = {
    "activity",
    "configuration",
    "handlers",
    "neighbours",
    "photo_uploads",
    "register",
    "routes",
    "running",
    "server",
    "service",
    "serving",
    "tools",
    "unmade",
    "unrun",
    "web_threads",
}
TOP = {"__main__", "cli", "commands", "testing"}

LAYER_OF = {
    **dict.fromkeys(FOUNDATION, "foundation"),
    **dict.fromkeys(SERVER, "server"),
    **dict.fromkeys(TOP, "top"),
    "display": "display",
    "tokens": "tokens",
    "protocol": "protocol",
    "runtime": "runtime",
    "features": "features",
    "at_work": "session",
    "ending": "session",
    "session": "session",
    "shared": "session",
    "webview": "webview",
    "callers": "webview",
    "simulator": "simulator",
    "__init__": "__init__",
}

MAY_KNOW: dict[str, set[str]] = {
    "foundation": {"foundation"},
    "display": {"display"},
    "tokens": {"tokens", "errors"},
    "protocol": {"protocol", "foundation"},
    "runtime": {"runtime", "protocol", "foundation"},
    "features": {"features", "runtime", "protocol", "display", "foundation"},
    "session": {"session", "features", "runtime", "protocol", "display", "foundation"},
    "webview": {"webview", "session", "protocol", "tokens", "foundation"},
    "server": {"server", "webview", "session", "features", "runtime", "protocol", "foundation"},
    "simulator": {"simulator", "protocol", "display", "foundation"},
    "top": {*LAYER_OF.values()},
    "__init__": {*LAYER_OF.values()} - {"simulator", "top"},
}

KNOW_SIMULATOR = {"mentra_sync.server", "mentra_sync.running"}
"""Of the server's layer only these two: one starts it, one gives it the log and opens its page."""

FEATURES_KNOW = {
    "audio": {"player"},
    "camera": {"streams"},
    "conversation": {"layouts", "player"},
    "simple_storage": {"storage_register", "stored_values", "user_storage"},
    "storage_register": {"user_storage"},
    "streams": {"stream_course", "stream_options"},
    "user_storage": {"storage_requests", "stored_values"},
}
"""Features may know each other downwards only; all the others know none."""

LOADED_LATE = {
    "PIL": "pictures are shown by few apps, and Pillow is the largest dependency",
    "jwt": "only webview tokens need it, and it loads a cryptographic library",
    "requests": "only REST calls need it: storage, settings, instructions",
    "resource": "not on Windows",
    "mentra_sync.session": "defining an app needs none of it, and it is most of the package",
    "urllib3": "as requests, which loads it",
    "mentra_sync.runtime.pool": "as requests, which it loads",
    "dataclasses_json": "the package has an encoder of its own; this one serves from_dict, to_dict",
    "segno": "only an invitation of another device has a QR code",
    "waitress": "under another WSGI server it is never used",
    "mentra_sync.web_threads": "as waitress, whose threads it makes",
    "dotenv": "only where there is a .env file",
    "werkzeug.middleware.proxy_fix": "only behind a proxy",
    "mentra_sync.hiding": "only when an import has failed",
    "mentra_sync.running": "run() in the foreground: signals, the browser, the terminal",
    "mentra_sync.simulator": "an app that serves real glasses never needs it",
    "mentra_sync.testing": "the command line starts apps without pytest",
}
"""What may be imported inside a function, and why most runs do without it."""

MAY_PRINT = {"mentra_sync.commands.terminal", "mentra_sync.running"}


@dataclass(frozen=True)
class Import:
    """One imported module, and where."""

    importer: str
    imported: str
    line: int
    in_function: bool
    relative: bool = False

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: {self.imported}"


# --- Who may know whom -----------------------------------------------------------------------


def test_every_module_has_a_place_in_the_layers():
    strangers = sorted(name for name in modules() if _top(name) not in LAYER_OF)
    assert not strangers, f"say in LAYER_OF where they belong: {strangers}"


def test_nobody_knows_whom_they_must_not():
    wrong = [str(found) for found in own_imports() if not _may_know(found)]
    assert not wrong, "\n".join(wrong)


def test_features_know_each_other_downwards_only():
    wrong = [
        str(found)
        for found in own_imports()
        if (importer := _feature(found.importer))
        and (imported := _feature(found.imported))
        and imported not in FEATURES_KNOW.get(importer, set())
    ]
    assert not wrong, "\n".join(wrong)


def test_there_are_no_circles():
    graph: dict[str, set[str]] = {}
    for found in own_imports():
        graph.setdefault(found.importer, set()).add(found.imported)
    circles = sorted(_circles(graph))
    assert not circles, "\n".join(" -> ".join(circle) for circle in circles)


def test_imports_are_absolute():
    wrong = [str(found) for found in all_imports() if found.relative]
    assert not wrong, "\n".join(wrong)


def test_nothing_inside_goes_through_the_public_face():
    """``from mentra_sync import AppServer`` is for scripts; inside it would hide a circle."""
    wrong = [
        str(found)
        for found in own_imports()
        if found.imported == "mentra_sync" and _layer(found.importer) != "top"
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_inside_functions_are_of_heavy_parts():
    wrong = [str(found) for found in all_imports() if found.in_function and not _is_late(found)]
    assert not wrong, "move them to the top, or give a reason in LOADED_LATE:\n" + "\n".join(wrong)


# --- How a file is made ----------------------------------------------------------------------


def test_first_line_tells_the_subject():
    wrong = []
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "examples").glob("*.py")]:
        first = (ast.get_docstring(_tree(path)) or "").partition("\n")[0].strip()
        if len(first) < 10 or not first.endswith((".", "?", ":")):
            wrong.append(f"{path.relative_to(ROOT)} begins with {first!r}")
    assert not wrong, "no sentence that tells the subject:\n" + "\n".join(wrong)


def test_tests_tell_their_subject():
    silent = [path.name for path in TESTS.rglob("*.py") if not ast.get_docstring(_tree(path))]
    assert not silent


def test_files_of_tests_have_names_of_their_own():
    """pytest puts every folder of tests on the path: of two files of one name it finds one."""
    names = [path.stem for path in TESTS.rglob("*.py") if path.stem != "conftest"]
    assert sorted(names) == sorted(set(names))
    importing = [
        f"{path.relative_to(ROOT)}, line {found.line}"
        for path in TESTS.rglob("*.py")
        for found in _imports_in(path.stem, _tree(path))
        if found.imported == "conftest"
    ]
    assert not importing, f"there are several conftest; import from another file: {importing}"


def test_no_file_is_long():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in [*PACKAGE.rglob("*.py"), *PACKAGE.glob("simulator/page/*.*s")]
        if (lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST_FILE
    }
    assert not long, f"over {LONGEST_FILE} lines; a file has one subject: {long}"


def test_only_the_terminal_is_printed_to_from_where_it_belongs():
    wrong = [
        f"{name}, line {node.lineno}"
        for name, path in modules().items()
        if name not in MAY_PRINT
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Name) and node.id == "print"
    ]
    assert not wrong, f"use a logger: {wrong}"


def test_nothing_is_left_to_do():
    marks = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
    wrong = []
    for path in _sources():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if any(mark in line for mark in marks):
                wrong.append(f"{path.relative_to(ROOT)}, line {number}: {line.strip()}")
    assert not wrong, "\n".join(wrong)


# --- The public face and the top level -------------------------------------------------------


def test_all_is_what_type_checkers_see():
    tree = _tree(PACKAGE / "__init__.py")
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, f"write {alias.name} as {alias.name}, for mypy"
            seen[alias.name] = node.module
    assert set(mentra_sync.__all__) == {"__version__", *seen}
    for name, home in seen.items():
        assert getattr(mentra_sync, name) is getattr(importlib.import_module(home), name)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="AppServre"):
        _ = mentra_sync.AppServre


def test_star_import_and_dir_know_every_name():
    namespace: dict[str, object] = {}
    exec("from mentra_sync import *", namespace)
    assert set(mentra_sync.__all__) <= set(namespace)
    assert set(mentra_sync.__all__) <= set(dir(mentra_sync))


def test_top_level_is_tidy():
    there = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and not any(map(path.match, BY_PRODUCTS))
    }
    assert there == TOP_LEVEL


# --- The rules' own tests: each must bite ----------------------------------------------------


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("protocol.codec", "runtime.link"),
        ("protocol.codec", "tokens"),
        ("runtime.link", "features.events"),
        ("features.events", "session"),
        ("features.events", "server"),
        ("session", "server"),
        ("session", "webview"),
        ("webview", "server"),
        ("display.wrap", "config"),
        ("display.wrap", "protocol.names"),
        ("simulator.cloud", "runtime.link"),
        ("simulator.cloud", "session"),
        ("serving", "simulator.http"),
        ("server", "testing"),
        ("tokens", "config"),
        ("errors", "protocol.names"),
    ],
)
def test_forbidden_knowledge_is_found(importer, imported):
    found = Import(f"mentra_sync.{importer}", f"mentra_sync.{imported}", 1, False)
    assert not _may_know(found)


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"d"}, "e": {"a"}}
    assert sorted(_circles(graph)) == [("a", "b", "c", "a"), ("d", "d")]


def test_every_kind_of_import_is_found():
    source = (
        "from typing import TYPE_CHECKING\n"
        "from mentra_sync import config\n"
        "from mentra_sync.errors import MentraError\n"
        "from .clock import Clock\n"
        "if TYPE_CHECKING:\n"
        "    from mentra_sync.server import AppServer\n"
        "def f():\n"
        "    import PIL.Image\n"
    )
    found = list(_imports_in("mentra_sync.session", ast.parse(source)))
    assert [(one.imported, one.in_function, one.relative) for one in found] == [
        ("typing", False, False),
        ("mentra_sync.config", False, False),
        ("mentra_sync.errors", False, False),
        ("mentra_sync.clock", False, True),
        ("mentra_sync.server", False, False),
        ("PIL.Image", True, False),
    ]


# --- Reading imports -------------------------------------------------------------------------


@cache
def modules() -> dict[str, Path]:
    """Every module of the package, by its full name; a package is its ``__init__``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def all_imports() -> tuple[Import, ...]:
    """Every import of every module."""
    return tuple(
        found for name, path in modules().items() for found in _imports_in(name, _tree(path))
    )


def own_imports() -> list[Import]:
    """Imports of the package's own modules."""
    return [found for found in all_imports() if _is_within("mentra_sync", found.imported)]


def _imports_in(importer: str, tree: ast.Module) -> Iterator[Import]:
    late = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, alias.name, node.lineno, node in late)
        elif isinstance(node, ast.ImportFrom):
            base = _base(importer, node)
            names = dict.fromkeys(_submodule(base, alias.name) or base for alias in node.names)
            for name in names:
                yield Import(importer, name, node.lineno, node in late, node.level > 0)


def _base(importer: str, node: ast.ImportFrom) -> str:
    """The module that a ``from`` names; relative ones are resolved."""
    if not node.level:
        return node.module or ""
    package = importer.split(".") if _is_package(importer) else importer.split(".")[:-1]
    parts = package[: len(package) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _is_package(name: str) -> bool:
    path = modules().get(name)
    return path is not None and path.name == "__init__.py"


def _submodule(base: str, name: str) -> str | None:
    """``from mentra_sync import config`` imports a module, not a name of the package."""
    return f"{base}.{name}" if f"{base}.{name}" in modules() else None


# --- Judging them ----------------------------------------------------------------------------


def _may_know(found: Import) -> bool:
    importer, imported = _layer(found.importer), _layer(found.imported)
    if imported == "simulator" and importer == "server":
        return found.importer in KNOW_SIMULATOR
    if imported == "__init__":
        return True  # judged by a test of its own
    return imported in MAY_KNOW[importer] or _top(found.imported) in MAY_KNOW[importer]


def _top(name: str) -> str:
    """The first part of a module's name below the package."""
    return [*name.split("."), "__init__"][1]


def _layer(name: str) -> str:
    return LAYER_OF[_top(name)]


def _feature(name: str) -> str | None:
    parts = name.split(".")
    return parts[2] if parts[1:2] == ["features"] and len(parts) > 2 else None


def _is_late(found: Import) -> bool:
    if _layer(found.importer) == "top" and _is_within("mentra_sync", found.imported):
        return True  # the command line loads what the one command that was typed needs
    return any(_is_within(heavy, found.imported) for heavy in LOADED_LATE)


def _is_within(package: str, name: str) -> bool:
    return name == package or name.startswith(package + ".")


def _circles(graph: dict[str, set[str]]) -> Iterator[tuple[str, ...]]:
    """One shortest circle for each module that is on any, each circle told once."""
    told: set[frozenset[str]] = set()
    for start in sorted(graph):
        circle = _way_back(graph, start)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            yield circle


def _way_back(graph: dict[str, set[str]], start: str) -> tuple[str, ...] | None:
    ways = [(start,)]
    seen: set[str] = set()
    for way in ways:
        for following in sorted(graph.get(way[-1], ())):
            if following == start:
                return (*way, start)
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return None


# --- Reading files ---------------------------------------------------------------------------


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _sources() -> Iterator[Path]:
    """Everything that people write, and read."""
    yield from (path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js", ".css"))
    yield from PACKAGE.rglob("*.html")
    yield from TESTS.rglob("*.py")
    yield from (ROOT / "examples").glob("*.py")
    yield from (ROOT / name for name in ("README.rst", "setup.cfg", ".ci/run"))
