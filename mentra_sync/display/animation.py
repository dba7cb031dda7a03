"""Pictures shown one after the other: their frames, and the clockwork that shows them.

No thread lives here.  Whoever plays an animation says how something is done later, so a
session's timers drive it, and a test's clock can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from glob import glob, has_magic
from os import PathLike, fspath
from pathlib import Path
from threading import Lock
from typing import Generic, Protocol, TypeVar

from mentra_sync.display import bitmap
from mentra_sync.display.bitmap import PADDING, ImageSource

MAX_FRAMES = 1000
"""The longest animation: at the fastest that glasses show, one frame in 300 ms, five minutes."""

INTERVAL_MS = 1650
"""The default time of a frame: what glasses need to receive a picture over Bluetooth."""

Frame = TypeVar("Frame")


class Cancellable(Protocol):
    """What a scheduler gives back."""

    def cancel(self) -> object:
        """Make sure that the function is not called any more; it is no error if it was."""


After = Callable[[float, Callable[[], None]], Cancellable]
"""``after(seconds, function)``: call it later, once, on whatever thread."""


def load_frames(
    source: str | PathLike[str] | Iterable[ImageSource],
    *,
    padding: tuple[int, int] = PADDING,
    dither: bool = False,
    invert: bool = False,
) -> list[bytes]:
    """The frames of an animation, each as the BMP that glasses take (see ``bitmap.to_bmp``).

    ``source`` is the path of a GIF or another moving picture (all its frames), a pattern such as
    ``"frames/*.png"`` (in the order of the numbers in the names: 2 before 10) or
    ``"frames/{i}.png"`` (numbers upwards from 0 or 1, to the first that is missing), or any
    number of pictures as ``bitmap.load`` takes them.
    Raises ValueError when there is no frame, more than ``MAX_FRAMES``, or a bad one, by name.
    """
    frames: list[bytes] = []
    for name, picture in _pictures(source):
        if len(frames) == MAX_FRAMES:
            raise ValueError(f"more than {MAX_FRAMES} frames; show fewer, or in parts")
        try:
            frames.append(bitmap.to_bmp(picture, padding=padding, dither=dither, invert=invert))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if not frames:
        raise ValueError("no frames: give at least one picture")
    return frames


class Animation(Generic[Frame]):
    """Frames on their way to a lens.  Made by ``play``; its methods may be called from any thread.

    ``stop()`` ends it early; ``running`` tells whether it goes on.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        show: Callable[[Frame], object],
        *,
        after: After,
        interval_ms: float = INTERVAL_MS,
        repeat: bool = False,
        on_stop: Callable[[], object] | None = None,
    ) -> None:
        """See ``play`` for the arguments and what is raised.  Nothing is shown before ``start``."""
        if not frames:
            raise ValueError("an animation needs at least one frame")
        if len(frames) > MAX_FRAMES:
            raise ValueError(f"an animation has {MAX_FRAMES} frames at most, got {len(frames)}")
        if interval_ms <= 0:
            raise ValueError(f"interval_ms must be above 0, got {interval_ms}")
        self._frames = tuple(frames)
        self._show = show
        self._after = after
        self._interval = interval_ms / 1000
        self._repeat = repeat
        self._on_stop = on_stop
        self._lock = Lock()
        # All of these belong to the lock.
        self._started = False
        self._running = False
        self._showing = False
        self._next = 0
        self._timer: Cancellable | None = None

    @property
    def running(self) -> bool:
        """Whether frames are still to come, or the last one is within its time."""
        return self._running

    def start(self) -> None:
        """Show the first frame now, on this thread, and the others in time; only once."""
        with self._lock:
            if self._started:
                return
            self._started = self._running = True
        self._tick()

    def stop(self) -> None:
        """End it, and call ``on_stop``; does nothing when it is not running.

        When a frame is being shown on another thread (or by the caller), ``on_stop`` is called
        there, after it: what it clears stays cleared.
        """
        with self._lock:
            if not self._running:
                return
            self._running = False
            timer, showing = self._timer, self._showing
        if timer is not None:
            timer.cancel()
        if not showing:
            self._stopped()

    def _tick(self) -> None:
        frame = self._take_frame()
        if frame is None:
            return
        try:
            self._show(frame[0])
        except BaseException:
            if not self._shown(failed=True):
                self._stopped()
            raise
        if not self._shown():
            self._stopped()
            return
        timer = self._after(self._interval, self._tick)
        with self._lock:
            self._timer = timer
            running = self._running
        if not running:
            timer.cancel()

    def _take_frame(self) -> tuple[Frame] | None:
        """The next frame, which is being shown from now on; None at the end."""
        with self._lock:
            if self._running and self._next == len(self._frames):
                self._next = 0
                self._running = self._repeat
            if not self._running:
                return None
            self._showing = True
            self._next += 1
            return (self._frames[self._next - 1],)

    def _shown(self, *, failed: bool = False) -> bool:
        """Note that a frame was shown.  False when ``stop`` came in the meantime."""
        with self._lock:
            self._showing = False
            was_running = self._running
            self._running = was_running and not failed
            return was_running

    def _stopped(self) -> None:
        if self._on_stop is not None:
            self._on_stop()


def play(
    frames: Sequence[Frame],
    show: Callable[[Frame], object],
    *,
    after: After,
    interval_ms: float = INTERVAL_MS,
    repeat: bool = False,
    on_stop: Callable[[], object] | None = None,
) -> Animation[Frame]:
    """Call ``show(frame)`` for each frame, the first one at once, one every ``interval_ms``.

    ``after(seconds, function)`` must call the function later and return something with
    ``cancel()``.  ``on_stop`` is called when ``stop()`` ended it, not when it came to its end or
    when ``show`` raised, which ends it too (the error goes to whoever called: ``after``'s thread).
    Raises ValueError for no frames, more than ``MAX_FRAMES``, or an interval not above 0.
    """
    animation = Animation(
        frames, show, after=after, interval_ms=interval_ms, repeat=repeat, on_stop=on_stop
    )
    animation.start()
    return animation


def _pictures(
    source: str | PathLike[str] | Iterable[ImageSource],
) -> Iterator[tuple[str, ImageSource]]:
    """The pictures of a source, each with a name for a person."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        raise TypeError("frames come from a path, a pattern or a list; put bytes into a list")
    if not isinstance(source, (str, PathLike)):
        for number, picture in enumerate(source, 1):
            yield f"frame {number}", picture
        return
    pattern = fspath(source)
    if "{i}" in pattern:
        yield from _numbered(pattern)
    elif has_magic(pattern) and not Path(pattern).exists():
        found = glob(pattern)  # noqa: PTH207 - Path.glob takes no absolute patterns
        yield from ((path, Path(path)) for path in sorted(found, key=_by_number))
    else:
        yield from _moving(pattern)


def _numbered(pattern: str) -> Iterator[tuple[str, ImageSource]]:
    def path(number: int) -> Path:
        return Path(pattern.replace("{i}", str(number)))

    number = 0 if path(0).is_file() else 1
    if not path(number).is_file():
        raise ValueError(f"there is neither {str(path(0))!r} nor {str(path(1))!r}")
    while path(number).is_file():
        yield str(path(number)), path(number)
        number += 1


def _moving(path: str) -> Iterator[tuple[str, ImageSource]]:
    from PIL import ImageSequence

    with bitmap.open_image(Path(path)) as picture:
        try:
            for number, frame in enumerate(ImageSequence.Iterator(picture), 1):
                yield f"{path}, frame {number}", frame
        except Exception as error:
            # Decoders raise nearly anything when a file is broken.
            raise ValueError(f"{path} is broken: {error}") from error


def _by_number(path: str) -> list[tuple[int, int | str]]:
    """The names' numbers count as numbers, so that frame10 comes after frame2."""
    parts = re.split(r"(\d+)", path)
    return [(1, part) if place % 2 == 0 else (0, int(part)) for place, part in enumerate(parts)]
