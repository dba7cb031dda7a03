"""A dispatcher with everything around it, for tests of one session's callbacks."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mentra_sync.clock import Clock
from mentra_sync.errors import SessionEnded
from mentra_sync.runtime.backlog import KEEP
from mentra_sync.runtime.dispatcher import Dispatcher, Wait
from mentra_sync.runtime.timers import Timers

PATIENCE = 10.0


class Stage:
    """A dispatcher with everything around it, and a notebook of what happened on it."""

    def __init__(self, backlog: int = 1000, *, report: Callable[..., None] | None = None) -> None:
        self.clock = Clock()
        self.timers = Timers(self.clock)
        self.errors: list[tuple[BaseException, object]] = []
        self.dispatcher = Dispatcher(
            "test",
            self.clock,
            self.timers,
            logger=logging.getLogger("mentra_sync.test"),
            report=report or (lambda error, function: self.errors.append((error, function))),
            backlog=backlog,
        )
        self.changed = threading.Condition()
        self.happened: list[Any] = []

    def note(self, what: Any) -> None:
        with self.changed:
            self.happened.append(what)
            self.changed.notify_all()

    def wait_for(self, what: Any) -> None:
        with self.changed:
            came = self.changed.wait_for(lambda: what in self.happened, PATIENCE)
        assert came, f"no {what!r} in {self.happened}"

    def wait_for_count(self, count: int) -> list[Any]:
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.happened) >= count, PATIENCE)
            assert came, f"{len(self.happened)} of {count}: {self.happened[:100]}"
            return list(self.happened)

    def post(self, function: Callable[[], object], rank: int = KEEP) -> None:
        @functools.wraps(function)
        def callback(_: object) -> None:
            function()

        self.dispatcher.post(callback, None, rank)

    def post_note(self, what: Any, rank: int = KEEP) -> None:
        self.dispatcher.post(self.note, what, rank)

    def close(self) -> None:
        self.dispatcher.end("test is over")
        assert self.dispatcher.join(PATIENCE), self.dispatcher.threads
        self.timers.stop()


class Waiter:
    """A callback that waits once: notes "NAME waits", then "NAME goes on" or "NAME ended"."""

    def __init__(self, stage: Stage, name: str, until: float | None = None) -> None:
        self.stage = stage
        self.name = name
        self.until = until
        self.wait: Wait | None = None
        stage.post(self.run)
        stage.wait_for(f"{name} waits")

    def run(self) -> None:
        self.wait = Wait(self.stage.dispatcher)
        self.stage.note(f"{self.name} waits")
        try:
            answered = self.wait.block(self.until)
        except SessionEnded:
            self.stage.note(f"{self.name} ended")
            raise
        self.stage.note(f"{self.name} goes on" if answered else f"{self.name} timed out")

    def answer(self) -> None:
        assert self.wait is not None
        self.wait.end()


class Holder:
    """A callback that holds the baton until it is released; notes its name when it begins."""

    def __init__(self, stage: Stage, name: str = "holder") -> None:
        self.stage = stage
        self.name = name
        self._go_on = threading.Event()
        stage.post(self.run)
        stage.wait_for(f"{name} begins")

    def run(self) -> None:
        self.stage.note(f"{self.name} begins")
        assert self._go_on.wait(3 * PATIENCE)  # longer than a test waits for anything
        self.stage.note(f"{self.name} returns")

    def release(self) -> None:
        self._go_on.set()


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def finish(thread: threading.Thread) -> None:
    thread.join(PATIENCE)
    assert not thread.is_alive()


def out_of_threads(monkeypatch: pytest.MonkeyPatch, names: str = "") -> None:
    """Let the system have no thread more, of those whose name begins so."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith(names):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
