"""Everything that can happen to a dispatcher at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest
from stage import PATIENCE, Stage, finish, in_thread

from mentra_sync import config
from mentra_sync.errors import SessionEnded
from mentra_sync.runtime.backlog import AUDIO, KEEP, SUPERSEDED
from mentra_sync.runtime.dispatcher import Wait

WaitUntil = Callable[..., None]


# --- All at once ------------------------------------------------------------------------------


def storm(seed: int) -> None:
    """Several threads post, answer, wait, advance the clock, and one ends it all."""
    chance = random.Random(seed)
    stage = Stage(chance.choice([5, 50, 1000]))
    dispatcher = stage.dispatcher
    count = chance.choice([20, 60])
    open_waits: list[Wait] = []
    lock = threading.Lock()
    inside: list[int] = []
    begun = ended = 0
    finished = threading.Event()

    def pause(chance: random.Random) -> bool:
        """Wait in a call of the session; whether it still lives."""
        wait = Wait(dispatcher)
        with lock:
            open_waits.append(wait)
        until = stage.clock.now() + chance.random() * 20 if chance.random() < 0.3 else None
        wait.block(until)
        return True

    def callback(seed: int) -> None:
        nonlocal begun, ended
        chance = random.Random(seed)
        begun += 1
        try:
            for _ in range(chance.randrange(4)):
                assert inside == []
                inside.append(seed)
                if chance.random() < 0.1:
                    time.sleep(0)
                inside.remove(seed)
                if chance.random() < 0.1:
                    raise ValueError("on purpose")
                if chance.random() < 0.2:
                    dispatcher.post_now(lambda _: None)
                pause(chance)
        finally:
            assert inside == []
            ended += 1

    def post(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(count):
            dispatcher.post(callback, chance.random(), chance.choice([AUDIO, SUPERSEDED, KEEP]))
            if chance.random() < 0.05:
                time.sleep(0)

    def answer(seed: int) -> None:
        chance = random.Random(seed)
        while not finished.is_set():
            with lock:
                wait = open_waits.pop(chance.randrange(len(open_waits))) if open_waits else None
            if wait is not None:
                wait.end()
            else:
                time.sleep(0)
            if chance.random() < 0.1:
                stage.clock.advance_to(stage.clock.now() + 1)

    def outside(seed: int) -> None:
        chance = random.Random(seed)
        try:
            while True:
                pause(chance)
        except SessionEnded:
            pass

    posters = [in_thread(lambda n=n: post(seed * 10 + n)) for n in range(2)]  # type: ignore[misc]
    others = [
        in_thread(lambda: answer(seed * 10 + 5)),
        in_thread(lambda: outside(seed * 10 + 6)),
    ]
    if chance.random() < 0.5:
        for poster in posters:
            finish(poster)
        if chance.random() < 0.5:
            deadline = time.monotonic() + PATIENCE
            while (dispatcher.busy or begun != ended) and time.monotonic() < deadline:
                time.sleep(0.0005)
            assert begun == ended, "somebody waits for ever"
    dispatcher.end("storm is over")
    joined = dispatcher.join(PATIENCE)
    finished.set()
    for thread in posters + others:
        finish(thread)
    assert joined, (seed, dispatcher.threads)
    assert begun == ended
    assert dispatcher._waiting == 0
    assert not dispatcher._ready
    assert not dispatcher._blocked
    assert dispatcher._baton is None
    assert all(isinstance(error, ValueError) for error, _ in stage.errors), stage.errors
    stage.timers.stop()


@pytest.mark.stress
def test_a_storm_of_events_answers_timeouts_and_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "DISPATCHER_IDLE", 0.0005)
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 0.002)
    for seed in range(25):
        monkeypatch.setattr(config, "MAX_WAITING_CALLBACKS", 3 if seed % 2 else 32)
        storm(seed)
