"""``mentra-sync run --reload``: the script in a process of its own, a new one at each save.

This process only watches.  The script runs in a child (``reloaded``) that gets its orders as one
line on its standard input, and ends when that is closed: so it does on every system, and
whatever becomes of this process.  What it has to tell it appends to a file.  The socket that the
page is served on is this process's own and handed on: nobody can take the port in between, and a
page that comes back too early waits instead of failing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mentra_sync import config, hints, running
from mentra_sync.commands.handover import handing_over
from mentra_sync.commands.terminal import Complaint, say
from mentra_sync.commands.watch import Watch
from mentra_sync.errors import ConfigurationError
from mentra_sync.listening import listen

LOOK_EVERY = 0.4
"""Seconds between two looks at the files."""

STILL_SAVING = 0.1
"""An editor that saves several files has finished when none has changed for so long (s)."""

END_BY_ITSELF = 1.0
"""Ctrl+C reaches the child too where it is typed; if it has not, it is told after this (s)."""

END_AT_ALL = config.STOP_TIMEOUT + 3.0
"""A child that has not ended by then is killed (s)."""

TOO_MANY = "There are very many files in {}: those in its folders are not watched."
ENDED = "\n  The app has ended{}. It starts again when a file is saved; Ctrl+C ends this.\n"
SAVED = "\n  {} saved: starting again."


def run_reloading(script: Path, arguments: list[str], options: running.Options) -> int:
    """Run a script, and run it again whenever one of its files is saved, until Ctrl+C.

    Raises Complaint when the port for the page is taken.
    """
    options = dataclasses.replace(options, device_secret=secrets.token_urlsafe(32))
    with (
        running.signals() as asked,
        _listener(options) as listener,
        tempfile.TemporaryDirectory(prefix="mentra-sync-") as folder,
    ):
        watch = Watch(script)
        if watch.too_many:
            say(TOO_MANY.format(script.resolve().parent))
        while not asked.is_set():
            child = Child(script, arguments, options, listener, Path(folder))
            try:
                wait_for_change(watch, child, asked)
                child.end(END_BY_ITSELF if asked.is_set() else 0)
            finally:
                child.end(0)
            options = child.options_of_the_next()
    return 0


def _listener(options: running.Options) -> socket.socket:
    wanted = options.page_port
    try:
        return listen(
            options.host or "127.0.0.1",
            config.SIMULATOR_PORT if wanted is None else wanted,
            may_move=wanted is None,
            busy=hints.PAGE_PORT_BUSY,
        )
    except ConfigurationError as error:
        raise Complaint(str(error)) from error


class Child:
    """A process that runs the script once."""

    def __init__(
        self,
        script: Path,
        arguments: list[str],
        options: running.Options,
        listener: socket.socket,
        folder: Path,
    ) -> None:
        self._options = options
        self._report = folder / "report.jsonl"
        self._report.write_text("", encoding="utf-8")
        orders = {
            "script": str(script),
            "arguments": arguments,
            "options": dataclasses.asdict(options),
            "listener": listener.fileno(),
            "report": str(self._report),
            "terminal": sys.stdin is not None and sys.stdin.isatty(),
        }
        # What Python itself was given (-X dev, -W error) is meant for the script.
        own = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        self._process = subprocess.Popen(
            [sys.executable, *own, "-m", "mentra_sync.commands.reloaded"],
            stdin=subprocess.PIPE,
            **handing_over(listener),
        )
        self._tell(json.dumps(orders).encode() + b"\n")

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def told(self) -> dict[str, Any]:
        """What it has told so far; of each thing the last word."""
        told: dict[str, Any] = {}
        for line in self._report.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):  # the last one may not be written to its end as yet
                told |= json.loads(line)
        return told

    def options_of_the_next(self) -> running.Options:
        """A page that has been opened finds the next app by itself."""
        told = self.told()
        if "page_opened" not in told:
            return self._options
        opened = told["page_opened"]
        return dataclasses.replace(self._options, open_page=False, await_page=opened)

    def end(self, grace: float) -> None:
        """End it in good order, after ``grace`` seconds in which it may do so by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(END_AT_ALL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has died; its exit code will be seen
            self._process.stdin.write(line)
            self._process.stdin.flush()


def wait_for_change(watch: Watch, child: Child, asked: running.StopAsked) -> None:
    """Wait until a file has been saved, or the end has been asked for."""
    running_still = True
    while not asked.wait(LOOK_EVERY):
        watch.add(child.told().get("files", {}))
        if running_still and child.code is not None and not asked.wait(STILL_SAVING):
            running_still = False
            with_code = f" with exit code {child.code}" if child.code else ""
            say(ENDED.format(with_code))
        saved = watch.changed()
        if saved:
            while not asked.wait(STILL_SAVING) and watch.changed():
                pass
            more = f" and {len(saved) - 1} more" if len(saved) > 1 else ""
            say(SAVED.format(saved[0].name + more))
            return
