"""The lens of simulated glasses: what is on it now, and what was on it before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mentra_sync.clock import Deadline
from mentra_sync.display.profiles import G1, SIMULATED, Z100, Profile
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.protocol.names import HeadDirection
from mentra_sync.simulator import pictures
from mentra_sync.simulator.dashboard import SYSTEM_PACKAGE
from mentra_sync.simulator.displays import BOOT_TITLE
from mentra_sync.simulator.memory import Memory, weight
from mentra_sync.simulator.records import WAIT_SECONDS
from mentra_sync.simulator.typesetting import (
    PlacedLine,
    Typeset,
    lens_size,
    set_columns,
    set_text,
)

PROFILES: dict[str, Profile] = {
    "Even Realities G1": G1,
    "Vuzix Z100": Z100,
    "Simulated Glasses": SIMULATED,
}
"""How text fits on the lens of each model; any other is taken for the last."""

MAX_TEXT = 5_000
"""Characters of a text that are broken into lines: no lens holds a tenth of it."""

NOTHING: dict[str, Any] = {"layoutType": "clear_view"}


def profile_of(model: str) -> Profile:
    """How text fits on the lens of a model of glasses."""
    return PROFILES.get(model, SIMULATED)


@dataclass(frozen=True)
class Shown:
    """What one view of the lens showed from some moment on.

    ``lines`` are the text as it is broken on the lens, ``text`` is the text as it was sent,
    ``columns`` the same in two columns where the layout has two.  ``placed`` says where on the
    lens each line and each of its letters stands, and ``cut`` how many lines more there were
    than the lens has room for (of the first 5,000 characters).  ``at`` is session time,
    ``time`` the date and time.  An empty lens has no text and no lines, and neither has a
    picture; for one that cannot be shown they say why, as ``problem`` does.
    """

    view: str
    layout: dict[str, Any] = field(repr=False)
    lines: tuple[str, ...]
    text: str
    title: str | None
    columns: tuple[tuple[str, ...], ...] | None
    package: str
    boot: bool
    at: float
    time: str
    profile: Profile = field(repr=False)
    placed: tuple[PlacedLine, ...] = field(repr=False)
    cut: int = 0
    problem: str | None = None

    def picture_at(self, moment: float) -> bytes | None:
        """The picture that is shown at a moment of session time, a BMP; None for text."""
        if self.problem is not None:
            return None
        return pictures.picture_at(self.layout, moment - self.at)

    def png_at(self, moment: float) -> bytes:
        """The view at a moment of session time, as a PNG."""
        picture = self.picture_at(moment)
        if picture is not None:
            return pictures.picture_png(picture)
        return pictures.text_png(self.placed, lens_size(self.profile))

    def message(self) -> dict[str, Any]:
        """As the page is told."""
        message = {
            "view": self.view,
            # These are the app's words, and a problem's are not.
            "lines": [] if self.problem else list(self.lines),
            "layout": self.layout,
            "boot": self.boot,
            "at": self.time,
            "size": lens_size(self.profile),
            "placed": [line.message() for line in self.placed],
            "cut": self.cut,
        }
        if self.title is not None:
            message["title"] = self.title
        if self.columns is not None:
            message["columns"] = [list(column) for column in self.columns]
        if self.problem is not None:
            message["problem"] = list(self.lines)
        return message


class Lens:
    """What the wearer sees; ``main`` and ``dashboard`` are its two views.

    Which of them is seen depends on the head: ``view`` tells, and ``seen`` is what it shows.
    Every method may be called from any thread.
    """

    def __init__(
        self,
        now: Callable[[], float],
        tell: Callable[[dict[str, Any]], None],
        profile: Profile,
    ) -> None:
        self._now = now
        self._tell = tell
        self._changed = threading.Condition()  # guards everything below
        self._views = {view: self._shown(view, {}, profile) for view in ("main", "dashboard")}
        self._head = HeadDirection.DOWN.value
        self._frames: dict[str, dict[str, Any]] = {}
        self._history: Memory[Shown] = Memory(lambda shown: weight(shown.layout))
        self._count = 0
        self._matched = 0
        self._ended = False

    @property
    def main(self) -> Shown:
        """The main view as it is now."""
        with self._changed:
            return self._views["main"]

    @property
    def dashboard(self) -> Shown:
        """The dashboard as it is now."""
        with self._changed:
            return self._views["dashboard"]

    @property
    def view(self) -> str:
        """The view that the wearer sees: ``dashboard`` while looking up, else ``main``."""
        return "dashboard" if self.head == HeadDirection.UP else "main"

    @property
    def seen(self) -> Shown:
        """What the wearer sees now: ``dashboard`` while looking up, else ``main``."""
        with self._changed:
            return self._views[self.view]

    @property
    def head(self) -> str:
        """Where the wearer looks: ``up`` or ``down``."""
        with self._changed:
            return self._head

    @property
    def text(self) -> str:
        """The text on the main view, as it was sent; empty when there is none."""
        return self.main.text

    @property
    def lines(self) -> tuple[str, ...]:
        """The text on the main view, as it is broken into lines."""
        return self.main.lines

    @property
    def picture(self) -> bytes | None:
        """The picture on the main view at this moment, a BMP of 576x135; None for text.

        It is what the app has sent: ``lens.picture == bitmap.to_bmp("cat.png")``.  Which one of
        an animation follows session time.
        """
        return self.main.picture_at(self._now())

    def png(self) -> bytes:
        """What the main view shows at this moment, as a PNG, green on black.

        It is as large as the lens, on a G1 576x135.  Pictures are there pixel by pixel.  Letters
        stand where they do on the glasses, but have the forms of another font.
        """
        return self.main.png_at(self._now())

    @property
    def history(self) -> list[Shown]:
        """Everything that was shown, on both views, oldest first."""
        with self._changed:
            return list(self._history)

    def wait_for(self, wanted: object, timeout: float = WAIT_SECONDS) -> Shown | None:
        """Block until the lens shows something, and return it; None after ``timeout`` (s, real).

        ``wanted`` is a part of the text (however it is broken into lines), or a function that
        says yes to a :class:`Shown`.  What is shown now counts, and so does what was shown for
        a moment since the last thing that a call of ``wait_for`` found.
        """
        matches = self._matcher(wanted)
        deadline = Deadline(timeout)
        with self._changed:
            seen = self._matched
            so_far = self._count
            now = list(self._views.values())
        for shown in now:
            if matches(shown):
                self._found(so_far)
                return shown
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._count > seen or self._ended,  # noqa: B023
                    deadline.remaining,
                )
                if self._count <= seen:
                    return None
                now = list(self._history)[-(self._count - seen) :]
                before, seen = seen, self._count
            for index, shown in enumerate(now):
                if matches(shown):
                    self._found(before + index + 1)
                    return shown

    def end(self) -> None:
        """Nothing more will be shown: who waits for something waits no longer."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def show(self, frame: dict[str, Any], model: str, has_display: bool) -> None:
        """Put a display on the lens, as the cloud has sent it."""
        if not has_display:
            return
        view = "dashboard" if frame.get("view") == "dashboard" else "main"
        shown = self._shown(view, frame, profile_of(model))
        with self._changed:
            self._views[view] = shown
            self._frames[view] = frame
            self._history.add(shown)
            self._count += 1
            self._tell({"kind": "lens", **shown.message(), "age": 0})
            self._changed.notify_all()

    def look(self, position: object) -> None:
        """Follow the wearer's head, ``up`` or ``down``; anything else changes nothing."""
        with self._changed:
            if position in HeadDirection.values() and position != self._head:
                self._head = str(position)
                self._tell({"kind": "head", "position": self._head})

    def frames(self) -> list[dict[str, Any]]:
        """The displays that are on the lens now, for glasses that have just connected."""
        with self._changed:
            return list(self._frames.values())

    def message(self) -> dict[str, Any]:
        """Both views, as the page is told when it opens, and for how long (s) they are there."""
        with self._changed:
            now = self._now()
            return {
                view: {**shown.message(), "age": max(0.0, now - shown.at)}
                for view, shown in self._views.items()
            }

    def _found(self, count: int) -> None:
        with self._changed:
            self._matched = max(self._matched, count)

    def _matcher(self, wanted: object) -> Callable[[Shown], bool]:
        if callable(wanted):
            return lambda shown: bool(wanted(shown))
        words = " ".join(str(wanted).split())
        return lambda shown: words in " ".join(shown.text.split())

    def _shown(self, view: str, frame: dict[str, Any], profile: Profile) -> Shown:
        layout = frame.get("layout")
        if not isinstance(layout, dict):
            layout = NOTHING
        title, parts = _texts(layout)
        text = "\n".join(part for part in (title, *parts) if part)
        problem = pictures.problem_of(layout)
        if problem is not None:
            text = problem
        typeset = _typeset(title, parts, problem, profile)
        columns = tuple(_column(typeset, number) for number in range(len(parts)))
        package = str(frame.get("packageName", ""))
        return Shown(
            view=view,
            layout=layout,
            lines=tuple(line.text for line in sorted(typeset.lines, key=_by_column)),
            text=text,
            title=title,
            columns=columns if len(columns) == 2 else None,
            package=package,
            boot=package == SYSTEM_PACKAGE and (title or "").startswith(BOOT_TITLE),
            at=self._now(),
            time=iso_timestamp(),
            profile=profile,
            placed=typeset.lines,
            cut=typeset.cut,
            problem=problem,
        )


_TEXT_FIELDS: dict[str, tuple[str, ...]] = {
    "text_wall": ("text",),
    "reference_card": ("text",),
    "double_text_wall": ("topText", "bottomText"),
    "dashboard_card": ("leftText", "rightText"),
}


def _texts(layout: dict[str, Any]) -> tuple[str | None, list[str]]:
    """The title of a layout, if it is of a kind that has one, and its texts."""
    kind = layout.get("layoutType")
    names = _TEXT_FIELDS.get(kind, ()) if isinstance(kind, str) else ()
    title = _text(layout, "title") if kind == "reference_card" else None
    return title, [_text(layout, name) for name in names]


def _text(layout: dict[str, Any], name: str) -> str:
    value = layout.get(name)
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def _typeset(title: str | None, parts: list[str], problem: str | None, profile: Profile) -> Typeset:
    if problem is not None:
        # Broken between words: what is looked up or copied must not have hyphens in it.
        return set_text(problem, profile, break_mode="word")
    if len(parts) == 2:
        return set_columns(parts[0], parts[1], profile)
    return set_text("".join(parts), profile, title=title or "")


def _column(typeset: Typeset, number: int) -> tuple[str, ...]:
    return tuple(line.text for line in typeset.lines if line.column == number)


def _by_column(line: PlacedLine) -> int:
    return line.column
