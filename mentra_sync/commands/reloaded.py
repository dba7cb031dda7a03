"""The process that ``mentra-sync run --reload`` runs a script in, again and again."""

from __future__ import annotations

import _thread
import json
import os
import signal
import sys
import sysconfig
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mentra_sync import running
from mentra_sync.commands.handover import take_over
from mentra_sync.commands.script import PACKAGE, run_script
from mentra_sync.commands.watch import Stamp, stamps

if TYPE_CHECKING:
    from mentra_sync.simulator.http import Simulator

INSTALLED = ("site-packages", "dist-packages")
"""Folders of what is installed, which nobody edits."""


def main() -> int:
    """Take the orders, and run the script until it has ended or shall."""
    parent = os.fdopen(os.dup(0), "rb", buffering=0)
    line = parent.readline()
    if not line:
        return 1
    orders = json.loads(line)
    _take_back_input(from_terminal=orders["terminal"])
    report = Report(Path(orders["report"]))
    command = running.Command(
        running.Options(**orders["options"]), report.began, listener=take_over(orders["listener"])
    )
    threading.Thread(
        target=_end_with, args=(parent, command), name="mentra-parent", daemon=True
    ).start()
    try:
        return run_script(Path(orders["script"]), orders["arguments"], command)
    finally:
        report.ended()


class Report:
    """What the parent is told: lines of JSON in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._simulator: Simulator | None = None

    def began(self, simulator: Simulator) -> None:
        """The page can be opened."""
        self._simulator = simulator
        self._write(page_opened=False, files=_local_modules())

    def ended(self) -> None:
        """The script has ended, or could not even begin."""
        told: dict[str, Any] = {"files": _local_modules()}
        if self._simulator is not None:
            told["page_opened"] = self._simulator.page_opened.is_set()
        self._write(**told)

    def _write(self, **told: Any) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(told) + "\n")
        except OSError:
            pass  # the parent has gone, and its folder with it


def _end_with(parent: BinaryIO, command: running.Command) -> None:
    """Wait until the parent closes our input, or is no more; then end as at Ctrl+C."""
    while parent.read(1024):
        pass
    if command.end():
        return
    if hasattr(signal, "pthread_kill"):
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _take_back_input(*, from_terminal: bool) -> None:
    """Give the script the terminal's input, as if it had been started there."""
    terminal = "CONIN$" if sys.platform == "win32" else "/dev/tty"
    try:
        source = os.open(terminal if from_terminal else os.devnull, os.O_RDWR)
    except OSError:
        source = os.open(os.devnull, os.O_RDWR)
    os.dup2(source, 0)
    os.close(source)


def _local_modules() -> dict[str, Stamp]:
    """The files of the modules that are loaded, without Python's own and what is installed.

    With their stamps, so that a save is noticed however soon it comes.
    """
    places = sysconfig.get_paths()
    python = tuple(places[name] for name in ("stdlib", "platstdlib"))
    files = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py") or file.startswith(python):
            continue
        path = Path(file).absolute()
        if not path.is_relative_to(PACKAGE) and not set(INSTALLED) & set(path.parts):
            files.append(path)
    return {str(path): stamp for path, stamp in stamps(files).items()}


if __name__ == "__main__":
    sys.exit(main())
