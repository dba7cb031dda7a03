"""``session.layouts``: what the lens shows."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from os import PathLike
from types import FunctionType, MethodType
from typing import Any

from mentra_sync import hints
from mentra_sync.display import UNLIMITED, Profile, bitmap, paginate, wrap
from mentra_sync.display.bitmap import PADDING, ImageSource
from mentra_sync.display.columns import side_by_side
from mentra_sync.errors import SessionEnded
from mentra_sync.protocol.codec import clean_text, text_of
from mentra_sync.protocol.commands import DisplayEvent
from mentra_sync.protocol.layouts import (
    BitmapAnimation,
    BitmapView,
    ClearView,
    DashboardCard,
    DoubleTextWall,
    Layout,
    ReferenceCard,
    TextWall,
)
from mentra_sync.protocol.names import ViewType
from mentra_sync.runtime.callbacks import describe
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link

_SURELY_FITS, _FEWEST_LINES = 48, 3
"""Characters, and lines of them, that fit on any lens, however wide: no need to measure them."""

_MOST_FRAMES = 500
"""Frames of one animation: 6.5 MB on the wire, less than half of what clouds take at once."""


class Layouts(Feature):
    """Shows text and pictures on the lens.

    ``view`` is ``"main"`` or ``"dashboard"`` (what the wearer sees on looking up), and
    ``duration_ms`` clears the view after that time.  Anything that is not a string is shown as
    ``str()`` of it, and None as nothing.

    No call here waits: displays keep 300 ms between them (``display_interval_ms`` of the
    ``AppServer``), and the newest of each view goes out when its turn comes.  All raise
    ``ValueError`` for an unknown view or a negative duration, with nothing sent, and
    ``SessionEnded`` after the end.
    """

    def __init__(self, link: Link, profile: Callable[[], Profile]) -> None:
        """``profile`` tells the display of the glasses that are worn now."""
        self._link = link
        self._profile = profile
        self._hinted = False
        self._lock = threading.Lock()
        self._animations: dict[str, Animation] = {}  # by view; guarded by _lock

    def show_text_wall(
        self,
        text: object,
        *,
        view: str = "main",
        duration_ms: float | None = None,
        fit: str | None = None,
    ) -> list[str] | None:
        """One text over the whole lens.

        ``fit="wrap"`` breaks it into lines as this display needs them and returns the lines that
        are shown; ``fit="page"`` shows the first page and returns all pages, for the next calls.
        """
        shown, result = _text(text), None
        if fit == "wrap":
            wrapped = wrap(shown, profile=self._profile(), break_mode="word")
            shown, result = wrapped.text, list(wrapped.lines)
        elif fit == "page":
            result = paginate(shown, profile=self._profile(), break_mode="word")
            shown = result[0]
        elif fit is not None:
            raise ValueError(f'fit must be "wrap", "page" or None, got {fit!r}')
        else:
            self._hint_if_cut(shown)
        self._show(TextWall(text=shown), view, duration_ms)
        return result

    def show_double_text_wall(
        self,
        top_text: object,
        bottom_text: object,
        *,
        view: str = "main",
        duration_ms: float | None = None,
    ) -> None:
        """Two texts: side by side on the glasses known so far, ``top_text`` at the left."""
        layout = DoubleTextWall(top_text=_text(top_text), bottom_text=_text(bottom_text))
        self._hint_if_columns_cut(layout.top_text, layout.bottom_text)
        self._show(layout, view, duration_ms)

    def show_reference_card(
        self,
        title: object,
        text: object,
        *,
        view: str = "main",
        duration_ms: float | None = None,
    ) -> None:
        """A title with a text below it."""
        self._hint_if_cut(f"{_text(title)}\n{_text(text)}")
        self._show(ReferenceCard(title=_text(title), text=_text(text)), view, duration_ms)

    def show_dashboard_card(
        self,
        left_text: object,
        right_text: object,
        *,
        view: str = "dashboard",
        duration_ms: float | None = None,
    ) -> None:
        """Two texts side by side, on the dashboard unless told otherwise."""
        layout = DashboardCard(left_text=_text(left_text), right_text=_text(right_text))
        self._hint_if_columns_cut(layout.left_text, layout.right_text)
        self._show(layout, view, duration_ms)

    def show_bitmap_view(
        self,
        image: ImageSource,
        *,
        view: str = "main",
        padding: tuple[int, int] = PADDING,
        dither: bool = False,
        invert: bool = False,
    ) -> None:
        """A picture: a path, bytes, base64 text or a Pillow image, in any format and size.

        It becomes the 576x135 black-and-green picture that glasses take.  One of just that size
        is shown as it is; any other is scaled down if it must be, and centred in the 526x100 px
        right of and below ``padding`` (left, top).  ``dither`` shows shades as dots, ``invert``
        suits dark drawings on white.  A bad image is a ``ValueError`` that says what is wrong.
        """
        data = _picture(image, padding=padding, dither=dither, invert=invert)
        self._show(BitmapView(data=data), view, None)

    def show_bitmap_animation(
        self,
        frames: Iterable[ImageSource],
        interval_ms: float = 1650,
        repeat: bool = False,
        *,
        view: str = "main",
    ) -> Animation:
        """Pictures one after the other, ``interval_ms`` apart; frames as in `show_bitmap_view`.

        The glasses get them all at once (500 at most) and play them themselves.  Returns an
        :class:`Animation`, whose ``stop()`` clears the view; showing something else there ends
        it too.
        """
        usable = isinstance(interval_ms, int | float) and not isinstance(interval_ms, bool)
        if not usable or not 0 < interval_ms <= sys.float_info.max:
            raise ValueError(f"interval_ms must be a number above 0, got {interval_ms!r}")
        data = _pictures(frames)
        layout = BitmapAnimation(frames=data, interval=interval_ms, repeat=bool(repeat))
        seconds = None if repeat else len(data) * interval_ms / 1000
        animation = Animation(self._link, seconds, lambda: self.clear_view(view=view))
        self._show(layout, view, None, animation)
        return animation

    def clear_view(self, *, view: str = "main") -> None:
        """Empty a view."""
        self._show(ClearView(), view, None)

    clear = clear_view

    def _hint_if_cut(self, text: str) -> None:
        """Say once that a text is longer than this display, and what helps."""
        if self._hinted or _surely_fits(text):
            return
        profile = self._profile()
        shown = wrap(text, profile=profile)
        if shown.cut:
            self._hinted = True
            whole = wrap(text, profile=profile, max_lines=UNLIMITED, max_bytes=UNLIMITED)
            self._link.logger.info(hints.TEXT_IS_CUT, len(whole.lines), len(shown.lines))

    def _hint_if_columns_cut(self, left: str, right: str) -> None:
        """The same for two texts side by side."""
        if self._hinted or (_surely_fits(2 * left) and _surely_fits(2 * right)):
            return
        rows, cut = side_by_side(left, right, self._profile())
        if cut:
            self._hinted = True
            self._link.logger.info(hints.TEXT_IS_CUT, len(rows) + cut, len(rows))

    def _show(
        self,
        layout: Layout,
        view: str,
        duration_ms: float | None,
        animation: Animation | None = None,
    ) -> None:
        if view not in ViewType.values():
            raise ValueError(f'view must be "main" or "dashboard", got {view!r}')
        self._link.show(
            DisplayEvent(layout=layout, view=clean_text(view), duration_ms=_duration(duration_ms))
        )
        with self._lock:
            before = self._animations.pop(view, None)
            if animation is not None:
                self._animations[view] = animation
        if before is not None:
            before._replaced()


class Animation:
    """Pictures that play on the glasses; ends by itself, with :meth:`stop` or with the session."""

    def __init__(self, link: Link, seconds: float | None, clear: Callable[[], None]) -> None:
        """``seconds`` is how long it plays; None repeats."""
        self._link = link
        self._until = None if seconds is None else link.clock.now() + seconds
        self._clear = clear
        self._lock = threading.Lock()
        self._stopped = False  # guarded by _lock

    @property
    def running(self) -> bool:
        """Whether pictures are still to come, or the last one is within its time."""
        if self._stopped or self._link.end_reason is not None:
            return False
        return self._until is None or self._link.clock.now() < self._until

    def stop(self) -> None:
        """End it and clear the view; one that has run out leaves its last picture there till then.

        Does nothing when something else is shown there by now, or the session has ended.
        """
        with self._lock:
            if self._stopped or self._link.end_reason is not None:
                return
            self._stopped = True
        with suppress(SessionEnded):  # just now, on another thread
            self._clear()

    def _replaced(self) -> None:
        """Something else is in its view now, which is not to be cleared."""
        with self._lock:
            self._stopped = True


def _picture(image: ImageSource, **options: Any) -> str:
    try:
        return bitmap.to_wire(image, **options)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _pictures(frames: Iterable[ImageSource]) -> list[str]:
    """The frames of an animation; a bad one is named by its number."""
    if isinstance(frames, str | bytes | bytearray | PathLike) or not isinstance(frames, Iterable):
        raise ValueError(
            "frames must be a list of pictures, like"
            f' ["a.png", "b.png"]; show_bitmap_view shows one. Got {type(frames).__name__}'
        )
    data: list[str] = []
    for number, frame in enumerate(frames, 1):
        if number > _MOST_FRAMES:
            raise ValueError(f"an animation has {_MOST_FRAMES} frames at most; show it in parts")
        try:
            data.append(_picture(frame))
        except ValueError as error:
            raise ValueError(f"frame {number}: {error}") from error
    if not data:
        raise ValueError("an animation needs at least one frame")
    return data


def _surely_fits(text: str) -> bool:
    return len(text) <= _SURELY_FITS and text.count("\n") < _FEWEST_LINES


def _text(value: object) -> str:
    if isinstance(value, FunctionType | MethodType):
        # Without its class: nobody is to write AppSession.listen().
        raise TypeError(hints.NO_PARENTHESES.format(describe(value).rpartition(".")[2]))
    return text_of(value)


def _duration(duration_ms: float | None) -> float | None:
    if duration_ms is None:
        return None
    if isinstance(duration_ms, bool) or not isinstance(duration_ms, int | float):
        raise ValueError(f"duration_ms must be a number of milliseconds, got {duration_ms!r}")
    if not 0 <= duration_ms < float("inf"):
        raise ValueError(f"duration_ms must be 0 or more, got {duration_ms!r}")
    return duration_ms
