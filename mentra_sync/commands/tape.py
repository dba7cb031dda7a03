"""``--record`` and ``--replay``: a session is written to a file, or done again from one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from mentra_sync import log
from mentra_sync.commands.terminal import Complaint, say
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.recording import BadRecording, Recorder, Recording, load
from mentra_sync.simulator.replay import Difference, Replay

MOST_SHOWN = 20
"""Differences that are shown; the others follow from them as a rule."""

PATIENCE = 2.0
"""How long the end of a run waits for a replay that has not finished (s)."""


class Tape:
    """What one run records, and what it replays."""

    def __init__(self, record: str | None, replay: str | None) -> None:
        """Raises Complaint for a file that cannot be written or replayed."""
        self._record = _new_file(record)
        self._recording = _recording(replay)
        self._recorder: Recorder | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.failed = False
        """Whether the app did something else than the recording has, or the replay was ended."""

    def began(self, simulator: Simulator) -> None:
        """The simulator runs: record from here on."""
        if self._record is not None:
            try:
                self._recorder = Recorder(simulator, self._record)
            except OSError as error:
                raise _not_written(self._record, error) from None
            logging.getLogger(log.ROOT).addHandler(self._recorder.log_handler)

    def start_app(self, simulator: Simulator, over: Callable[[], object]) -> None:
        """Start the app, or the replay that does; ``over`` is called at the end of that."""
        if self._recording is None:
            simulator.start_app()
            return
        recording, self.failed = self._recording, True
        self._thread = threading.Thread(
            target=self._replay,
            args=(simulator, recording, over),
            name="mentra-replay",
            daemon=True,  # something that it waits for may never come once the simulator has ended
        )
        self._thread.start()

    def close(self) -> None:
        """The run is over: end the recording and the replay."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)
        if self._recorder is not None:
            logging.getLogger(log.ROOT).removeHandler(self._recorder.log_handler)
            self._recorder.close()
            say(f"  Recorded in {self._record}")

    def _replay(
        self, simulator: Simulator, recording: Recording, over: Callable[[], object]
    ) -> None:
        clock = simulator.cloud.session_time.clock
        began = clock.now()
        try:
            replay = Replay(simulator, recording)
            logger = logging.getLogger(log.ROOT)
            logger.addHandler(replay.log_handler)
            try:
                found = replay.run(
                    lambda at: not self._stop.wait(max(0.0, began + at - clock.now()))
                )
            finally:
                logger.removeHandler(replay.log_handler)
            if not self._stop.is_set():
                self._report(recording, found)
        except BadRecording as problem:
            say(f"mentra-sync: {problem}", error=True)
        finally:
            over()

    def _report(self, recording: Recording, found: list[Difference]) -> None:
        self.failed = bool(found)
        if not found:
            say(f"  Replayed {recording.path}: the app did the same.")
            return
        say(f"  Replayed {recording.path}: the app did something else.")
        for difference in found[:MOST_SHOWN]:
            say(f"    {difference}")
        if len(found) > MOST_SHOWN:
            say(f"    and {len(found) - MOST_SHOWN} more")


def _new_file(name: str | None) -> Path | None:
    if name is None:
        return None
    path = Path(name)
    try:
        is_there = path.exists()
    except OSError as error:  # a name that is too long, for one
        raise _not_written(path, error) from None
    if is_there:
        raise Complaint(f"{name} is there already, and stays as it is. Choose another name.")
    if not path.parent.is_dir():
        raise Complaint(f"{name} cannot be written: there is no folder {path.parent}.")
    return path


def _not_written(path: Path, error: OSError) -> Complaint:
    return Complaint(f"{path} cannot be written: {error.strerror}. Choose another name.")


def _recording(name: str | None) -> Recording | None:
    if name is None:
        return None
    try:
        return load(name)
    except BadRecording as problem:
        raise Complaint(str(problem)) from None
    except OSError as error:
        raise Complaint(f"{name} cannot be read: {error.strerror}") from None
