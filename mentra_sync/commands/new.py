"""``mentra-sync new``: a folder with a first app, its test, and what belongs to a project."""

from __future__ import annotations

import re
import sys
from importlib import resources
from pathlib import Path
from string import Template

from mentra_sync.commands.terminal import complain, say, this_command, this_python

FILES = {
    "app.py": "app.py.template",
    "test_app.py": "test_app.py.template",
    "README.md": "README.md.template",
    ".env.example": "env.example.template",
    ".gitignore": "gitignore.template",
}
"""The files of a new app, and the templates in ``starter/`` that they are made from."""

MAX_NAME = 50
"""Characters of a name; a package name is part of addresses."""

NOT_ON_WINDOWS = re.compile(r"(?i)con|prn|aux|nul|com\d|lpt\d")
"""What no folder can be called there; somebody else may use the project on Windows."""


def new(name: str) -> int:
    """Make the folder of an app; returns the exit code."""
    problem = _problem(name)
    if problem:
        return complain(problem)
    folder = Path(name)
    try:
        folder.mkdir()
        for file, text in starter(name).items():
            with (folder / file).open("x", encoding="utf-8", newline="\n") as new_file:
                new_file.write(text)
    except FileExistsError:
        return complain(f"{folder} is there already, and stays as it is. Choose another name.")
    except OSError as error:
        return complain(f"{folder} cannot be made: {error.strerror or error}")
    say(f"Made {folder} with {', '.join(FILES)}.")
    say("\nNow run it; it starts again whenever you save a file:\n")
    say(f"    cd {folder}\n    {this_command()} run app.py --reload\n")
    return 0


def starter(name: str) -> dict[str, str]:
    """The files of a new app, by their names."""
    values = {
        "title": re.sub(r"[-_]+", " ", name).strip().title(),
        "package_name": package_name(name),
        "command": this_command(),
        "python": this_python(),
    }
    templates = resources.files("mentra_sync.commands") / "starter"
    return {
        file: Template((templates / template).read_text(encoding="utf-8")).substitute(values)
        for file, template in FILES.items()
    }


def package_name(name: str) -> str:
    """The package name of an app: My-App is ``com.example.my_app``."""
    return "com.example." + name.lower().replace("-", "_")


def _problem(name: str) -> str | None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        suggestion = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_0123456789")
        instead = f' For example: "{suggestion}".' if suggestion else ""
        return (
            f'"{name}" cannot be the name of an app: it begins with a letter (a to z), and goes on'
            f' with letters, digits, "-" and "_".{instead}'
        )
    if len(name) > MAX_NAME:
        return f"a name has {MAX_NAME} characters at most; this one has {len(name)}"
    if NOT_ON_WINDOWS.fullmatch(name):
        return f'"{name}" cannot be the name of a folder on Windows. Choose another one.'
    if name.lower() == "mentra_sync" or name.lower() in sys.stdlib_module_names:
        return (
            f'"{name}" is the name of a module that Python or apps import, and would get in its'
            f' way. Choose another one, for example: "my-{name.lower().replace("_", "-")}".'
        )
    return None
