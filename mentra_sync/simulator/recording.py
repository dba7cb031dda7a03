"""A session as a file: what the wearer did, when, and what the app did; line by line.

::

    {"recording": 1, "package": "com.example.hello", "glasses": "Simulated Glasses"}
    {"at": 0.0, "you": "start"}
    {"at": 0.21, "app": "shows", "what": "Hello! Say something."}
    {"at": 4.5, "you": "hear", "with": {"text": "good morning", "final": true}}
    {"at": 4.52, "app": "shows", "what": "You said: good morning"}

Each line is a JSON object.  ``at`` counts seconds of session time.  ``you`` is an action
(``actions``), in the words of the Python API; ``app`` is what the app did (``outputs``).  ``user``
is there for other wearers than the first.  Sound and pictures are left out.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from mentra_sync.protocol import codec
from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.inputs import Input
from mentra_sync.simulator.outputs import Output, failure, output_of
from mentra_sync.simulator.timeline import Crossing

logger = logging.getLogger(__name__)

FORMAT = 1

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is read: a day of conversation has some megabytes."""

MAX_LINE = 256 * 1024
"""Characters of one line."""

MAX_SECONDS = 7 * 24 * 3600.0
"""The longest recording."""

MAX_NAME = 1000
"""Characters of an action, a verb or a wearer's name."""

_LEFT_OUT = "a line of the recording is left out: %s"


class BadRecording(ValueError):
    """A file that is no recording, or cannot be replayed; the message names the line."""


@dataclass(frozen=True)
class Entry:
    """One line of a recording: an input or an output, and when it was (s)."""

    line: int
    at: float
    event: Input | Output


@dataclass(frozen=True)
class Recording:
    """What is in a file."""

    path: Path
    package: str
    glasses: str
    entries: tuple[Entry, ...]


# --- Writing ---------------------------------------------------------------------------------


class Recorder:
    """Writes down what happens in a simulator, from now until :meth:`close`; nothing waits in it.

    Also a context manager.  What was done before is not in it; of an app that runs already it
    has the start, and what it has done so far.  Raises ``FileExistsError`` for a file that is
    there, and other OSErrors.
    """

    def __init__(self, simulator: Simulator, path: str | Path) -> None:
        self._simulator = simulator
        self._clock = simulator.cloud.session_time.clock
        self._lock = threading.Lock()  # guards the file
        self._file = Path(path).open("x", encoding="utf-8", newline="\n", buffering=1)  # noqa: SIM115
        self._began = self._clock.now()
        self.log_handler: logging.Handler = _Failures(self)
        """What is logged to it as an error counts as one of the app's."""
        self._write(
            {
                "recording": FORMAT,
                "package": simulator.app.package_name,
                "glasses": simulator.glasses.model,
            }
        )
        runs = simulator.app_state in ("running", "starting")
        if runs:
            self.add(Input(simulator.user_id, "start", {}))
        self._ends = [
            simulator.cloud.inputs.listen(self.add),
            simulator.cloud.timeline.listen(self._crossed, past=runs),
        ]

    def add(self, event: Input | Output) -> None:
        """Write a line. From any thread."""
        line: dict[str, Any] = {"at": round(self._clock.now() - self._began, 3)}
        if event.user_id not in (None, self._simulator.user_id):
            line["user"] = event.user_id
        if isinstance(event, Input):
            line |= {"you": event.action} | ({"with": event.arguments} if event.arguments else {})
        else:
            line |= {"app": event.does} | ({"view": event.view} if event.view else {})
            line["what"] = event.what
        self._write(line)

    def close(self) -> None:
        """End the recording; may be called more than once."""
        for end in self._ends:
            end()
        with self._lock:
            self._file.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _crossed(self, crossing: Crossing) -> None:
        output = output_of(crossing)
        if output is not None:
            self.add(output)

    def _write(self, line: dict[str, Any]) -> None:
        try:
            text = json.dumps(line, ensure_ascii=False, allow_nan=False, default=repr)
        except ValueError as error:
            logger.warning(_LEFT_OUT, error)
            return
        if len(text) > MAX_LINE:
            logger.warning(_LEFT_OUT, f"it would be longer than {MAX_LINE:,} characters")
            return
        with self._lock:
            if self._file.closed:
                return
            try:
                # One write to the file for each line.
                self._file.write(codec.clean_text(text) + "\n")
            except OSError as error:
                logger.warning("the recording cannot be written, and ends here: %s", error)
                self._file.close()


class _Failures(logging.Handler):
    """Writes down the exceptions of the app that are logged."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.ERROR)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        """Write down an exception, in one line."""
        output = failure_of(record)
        if output is not None:
            self._recorder.add(output)


def failure_of(record: logging.LogRecord) -> Output | None:
    """The exception of an app that a log record tells of, or None."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None or record.levelno < logging.ERROR:
        return None
    return failure(getattr(record, "user_id", None), f"{type(error).__name__}: {error}")


# --- Reading ---------------------------------------------------------------------------------


def load(path: str | Path) -> Recording:
    """Read a recording. Raises BadRecording that names the line, or OSError."""
    path = Path(path)
    if path.stat().st_size > MAX_BYTES:
        raise BadRecording(f"{path} is larger than {MAX_BYTES:,} bytes: that is no recording")
    try:
        # Not splitlines(): what is said may have other line breaks in it.
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise BadRecording(f"{path} is no text in UTF-8: {error}") from None
    header = _object(path, 1, lines[0])
    if header.get("recording") != FORMAT:
        raise BadRecording(f'{path}, line 1: a recording begins with {{"recording": {FORMAT}}}')
    package, glasses = (_text(path, 1, header, name, "") for name in ("package", "glasses"))
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            entries.append(_entry(path, number, line, entries[-1].at if entries else 0.0))
    if len({entry.event.user_id for entry in entries}) > limits.MAX_WEARERS:
        raise BadRecording(f"{path} has more than {limits.MAX_WEARERS} wearers")
    return Recording(path, package, glasses, tuple(entries))


def _entry(path: Path, number: int, line: str, after: float) -> Entry:
    fields = _object(path, number, line)
    at = fields.get("at")
    usual = isinstance(at, int | float) and not isinstance(at, bool) and math.isfinite(at)
    if at is None or not usual or not after <= at <= MAX_SECONDS:
        raise BadRecording(
            f"{path}, line {number}: at must be seconds, {after:g} (as in the line before) or"
            f" more; got {at!r:.50}"
        )
    if ("you" in fields) == ("app" in fields):
        raise BadRecording(f'{path}, line {number}: there must be one of "you" and "app"')
    user = _text(path, number, fields, "user", "") or None
    if "you" in fields:
        arguments = fields.get("with", {})
        if not isinstance(arguments, dict):
            raise BadRecording(f'{path}, line {number}: "with" must be an object')
        event: Input | Output = Input(user or "", _text(path, number, fields, "you"), arguments)
    else:
        view = _text(path, number, fields, "view", "") or None
        event = Output(user, _text(path, number, fields, "app"), fields.get("what"), view)
    return Entry(number, float(at), event)


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise BadRecording(f"{path}, line {number}: longer than {MAX_LINE:,} characters")
    try:
        return codec.parse(line)
    except codec.MalformedMessage as error:
        raise BadRecording(f"{path}, line {number}: {error}") from None


def _text(path: Path, number: int, fields: dict[str, Any], name: str, default: Any = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise BadRecording(
            f'{path}, line {number}: "{name}" must be a text of {MAX_NAME} characters at most'
        )
    return value
