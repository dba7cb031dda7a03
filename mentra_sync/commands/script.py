"""Runs a script as ``python script.py`` would, and its app even where it doesn't do so itself."""

from __future__ import annotations

import builtins
import io
import sys
import traceback
from pathlib import Path
from types import ModuleType, TracebackType

from mentra_sync import running
from mentra_sync.commands.terminal import Complaint, complain, nearest, this_command
from mentra_sync.errors import MentraError

PACKAGE = Path(running.__file__).resolve().parent
FIRST_FILES = ("app.py", "main.py")
"""What a folder is run by, in this order."""

PRESSED_CTRL_C = 130
"""The exit code of a program that SIGINT has ended."""


def find_script(name: str) -> Path:
    """The file that is meant. Raises Complaint when there is none."""
    path = Path(name)
    if path.is_dir():
        for first in FIRST_FILES:
            if (path / first).is_file():
                return path / first
        raise Complaint(
            f"{name} is a folder without an app.py or a main.py."
            + _instead(path, [one.name for one in path.glob("*.py")])
        )
    if path.is_file():
        return path
    if path.with_name(f"{path.name}.py").is_file():
        return path.with_name(f"{path.name}.py")
    folder = path.parent
    if not folder.is_dir():
        raise Complaint(f"there is no file {name}: there is no folder {folder}.")
    there = [one.name for one in folder.iterdir() if one.suffix == ".py" or one.is_dir()]
    near = nearest(path.name, there) or nearest(f"{path.name}.py", there)
    others = near or [one for one in there if one.endswith(".py")]
    raise Complaint(f"there is no file {name}." + _instead(folder, others))


def run_script(path: Path, arguments: list[str], command: running.Command) -> int:
    """Run a script on simulated glasses until it has ended; returns the exit code.

    ``SystemExit`` comes through, as it would end Python.
    """
    running.command = command
    main = _make_main(path, arguments)
    try:
        with io.open_code(str(path)) as file:
            # What this file imports from __future__ is not for the script.
            code = compile(file.read(), main.__dict__["__file__"], "exec", dont_inherit=True)
        exec(code, main.__dict__)
        if not command.served:
            _run_app_of(main, path)
    except KeyboardInterrupt:
        return PRESSED_CTRL_C
    except Complaint as problem:
        return complain(str(problem))
    except Exception as error:
        show_error(error, path)
        return 1
    return 0


def _run_app_of(main: ModuleType, path: Path) -> None:
    from mentra_sync.commands.apps import find_app

    find_app(main, path.name).run()


def _make_main(path: Path, arguments: list[str]) -> ModuleType:
    """The module ``__main__`` of the script, which takes the place of the command's own."""
    main = ModuleType("__main__")
    main.__dict__.update(__file__=str(path.absolute()), __builtins__=builtins)
    sys.modules["__main__"] = main
    sys.argv[:] = [str(path), *arguments]
    if not getattr(sys.flags, "safe_path", False):  # python -P: Python has put nothing there
        sys.path[0] = str(path.resolve().parent)
    return main


# --- What went wrong -------------------------------------------------------------------------


def show_error(error: BaseException, path: Path) -> None:
    """Show an error as Python would have done, had it run the script itself."""
    trace = _from_script(error.__traceback__, str(path.absolute()))
    if sys.excepthook is not sys.__excepthook__:
        sys.excepthook(type(error), error, trace)
        return
    told = traceback.TracebackException(type(error), error, trace)
    if isinstance(error, MentraError):
        # Its message says all; where in the package it was raised is nothing to look at.
        while told.stack and Path(told.stack[-1].filename).is_relative_to(PACKAGE):
            told.stack.pop()
    if sys.stderr is not None:  # pythonw has none
        sys.stderr.write("".join(told.format()))
        sys.stderr.flush()


def _from_script(trace: TracebackType | None, file: str) -> TracebackType | None:
    """The traceback from the script's first line on; what is before is this command."""
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    return trace


def _instead(folder: Path, names: list[str]) -> str:
    if not names:
        return f" To make a first app:  {this_command()} new hello"
    return " Did you mean " + " or ".join(str(folder / name) for name in sorted(names)[:3]) + "?"
