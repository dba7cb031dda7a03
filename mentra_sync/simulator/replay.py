"""Does again what a recording has of the wearer, and sees whether the app does the same."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from mentra_sync.clock import Deadline
from mentra_sync.errors import RequestFailed
from mentra_sync.simulator.actions import Action, Actions
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.inputs import Input
from mentra_sync.simulator.outputs import LISTENS, Output, output_of, shortened
from mentra_sync.simulator.recording import BadRecording, Entry, Recording, failure_of
from mentra_sync.simulator.timeline import Crossing

Channel = tuple[str | None, str, str | None]
Until = Callable[[float], bool]
"""Lets session time come to so many seconds after the beginning; False to give up."""


FIRST_STREAMS = 2.0
"""How long an app that has been started may take to say what it listens to (s)."""

GRACE = 3.0
"""How much later than in the recording the last outputs may come (s)."""


@dataclass(frozen=True)
class Difference:
    """Where the app did something else than the recording has; ``now`` is None for nothing."""

    entry: Entry
    now: Output | None

    def __str__(self) -> str:
        then = self.entry.event
        told = f"line {self.entry.line}, at {self.entry.at:g} s: {then}"
        if self.now is None:
            return f"{told}; now it did not"
        return f"{told}; now it {self.now.does} {shortened(self.now.what)}"


class Replay:
    """One replay of a recording on a simulator; from a thread that may block.

    Everything in the recording is checked before anything is done: raises BadRecording.  An app
    that runs already is not started again by the first ``start``, and what it has done since it
    was started counts.
    """

    def __init__(self, simulator: Simulator, recording: Recording) -> None:
        self._simulator = simulator
        self._recording = recording
        self._deeds = self._checked()
        self._outputs = _Outputs(simulator.user_id)
        self.log_handler: logging.Handler = self._outputs
        """What is logged to it as an error counts as one of the app's."""

    def run(self, until: Until, patience: float | None = None) -> list[Difference]:
        """Do all inputs at their times; returns where the app has done something else.

        With ``patience`` it ends at the first difference: each output is awaited, so many
        seconds (real) at most, before what comes after it is done.  Without, the recording's
        own times are kept, and outputs are compared at the end.  What the app does after the
        recording's end is not looked at.
        """
        runs = self._simulator.app_state in ("running", "starting")
        starts = [line for line, deed in self._deeds.items() if deed.action.name == "start"]
        skipped = starts[0] if runs and starts else None
        end = self._simulator.cloud.timeline.listen(self._outputs.crossed, past=runs)
        try:
            if not runs and not starts:
                self._simulator.start_app()
                self._simulator.wait_for_streams(timeout=FIRST_STREAMS)
            return self._perform(until, patience, skipped)
        finally:
            end()

    def _perform(
        self, until: Until, patience: float | None, skipped: int | None
    ) -> list[Difference]:
        for entry in self._recording.entries:
            if not until(entry.at):
                return []
            deed = self._deeds.get(entry.line)
            if deed is not None:
                if entry.line != skipped:
                    self._do(entry)
                if deed.action.name == "start" and patience is not None:
                    # Somebody may have written the file by hand, without what the app listens to.
                    self._simulator.wait_for_streams(timeout=min(patience, FIRST_STREAMS))
            elif patience is not None:
                difference = self._compare(entry, patience)
                if difference is not None:
                    return [difference]
        if patience is not None:
            return []
        grace = Deadline(GRACE)
        compared = [
            self._outputs.compare(entry, grace.remaining)
            for entry in self._recording.entries
            if not (isinstance(entry.event, Output) and entry.event.does == LISTENS)
        ]
        return [difference for difference in compared if difference is not None]

    def _compare(self, entry: Entry, patience: float) -> Difference | None:
        """Await an output; what the app listens to it may tell in several pieces, or in one."""
        then = entry.event
        if not isinstance(then, Output) or then.does != LISTENS:
            return self._outputs.compare(entry, patience)
        wanted = set(then.what) if isinstance(then.what, list) else set()
        user_id = then.user_id or self._simulator.user_id
        if self._simulator.wait_for_streams(wanted.issubset, patience, user_id):
            return None
        now = Output(user_id, LISTENS, list(self._simulator.streams(user_id)))
        return Difference(entry, now)

    def _do(self, entry: Entry) -> None:
        """Do what a line says, and wait until it is done."""
        try:
            result = self._deeds[entry.line].do()
            if isinstance(result, Future):
                result.result()
        except RequestFailed:
            pass  # the app has refused, as it may have done then
        except ValueError as error:
            raise self._bad(entry, error) from None

    def _checked(self) -> dict[int, _Deed]:
        """What is to be done, by line."""
        actions = Actions(self._simulator)
        deeds = {}
        for entry in self._recording.entries:
            event = entry.event
            if not isinstance(event, Input):
                continue
            try:
                action = actions.find(event.user_id or self._simulator.user_id, event.action)
                deeds[entry.line] = _Deed(action, action.checked(event.arguments))
            except ValueError as error:
                raise self._bad(entry, error) from None
        return deeds

    def _bad(self, entry: Entry, error: ValueError) -> BadRecording:
        return BadRecording(f"{self._recording.path}, line {entry.line}: {error}")


@dataclass(frozen=True)
class _Deed:
    """Something that the wearer does."""

    action: Action
    arguments: dict[str, Any]

    def do(self) -> Any:
        """Do it; the result may be a Future."""
        return self.action.do(self.arguments)


class _Outputs(logging.Handler):
    """What the app has done since the beginning, and how far it has been compared."""

    def __init__(self, first_user: str) -> None:
        super().__init__(logging.ERROR)
        self._first_user = first_user
        self._changed = threading.Condition()  # guards the next two
        self._fresh: dict[Channel, deque[Output]] = defaultdict(deque)
        self._lost: set[Channel] = set()

    def crossed(self, crossing: Crossing) -> None:
        """Something has crossed the wire."""
        self._add(output_of(crossing))

    def emit(self, record: logging.LogRecord) -> None:
        """Something has been logged."""
        self._add(failure_of(record))

    def compare(self, entry: Entry, patience: float) -> Difference | None:
        """Hold an output of the recording against the next one of its channel.

        A channel that has differed once is not compared any more: all that follows would differ.
        """
        then = entry.event
        if not isinstance(then, Output):
            return None
        channel = self._channel(then)
        deadline = Deadline(patience)
        with self._changed:
            fresh = self._fresh[channel]
            if channel in self._lost:
                return None
            self._changed.wait_for(lambda: fresh, deadline.remaining)
            now = fresh.popleft() if fresh else None
            if now is not None and now.what == then.what:
                return None
            self._lost.add(channel)
            return Difference(entry, now)

    def _add(self, output: Output | None) -> None:
        if output is not None:
            with self._changed:
                self._fresh[self._channel(output)].append(output)
                self._changed.notify_all()

    def _channel(self, output: Output) -> Channel:
        user_id, does, view = output.channel
        return (user_id or self._first_user, does, view)
