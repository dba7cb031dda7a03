"""Text set on a lens: which piece of which line stands where, to the pixel, and what is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple
from unicodedata import bidirectional

from mentra_sync.display.breaks import BreakMode
from mentra_sync.display.graphemes import graphemes
from mentra_sync.display.measure import TextMeasurer, byte_count, measurer_for
from mentra_sync.display.profiles import Profile
from mentra_sync.display.wrap import UNLIMITED, wrap

ROW_PX = 27
"""The height of a row: five of them are the 135 px of a G1.  Of others nothing better is known."""

LEFT_COLUMN_ENDS, RIGHT_COLUMN_BEGINS = 0.5, 0.55
"""Two columns, as shares of the width; the phone brings them into line with spaces."""


class Piece(NamedTuple):
    """What is drawn as one: a grapheme, or a run of letters that are joined or go leftwards."""

    text: str
    x: int
    width_px: int

    @property
    def is_run(self) -> bool:
        """Whether its letters have no places of their own."""
        return len(graphemes(self.text)) > 1


@dataclass(frozen=True)
class PlacedLine:
    """One line on the lens: its row (from 0), where it begins, and the places of its pieces.

    ``column`` is 1 for the right of two columns.  ``rtl``: it is read from right to left, and
    stands at the right.
    """

    text: str
    row: int
    x: int
    width_px: int
    column: int = 0
    title: bool = False
    rtl: bool = False
    pieces: tuple[Piece, ...] = field(default=(), repr=False)

    def message(self) -> dict[str, Any]:
        """As the page is told."""
        return {
            "text": self.text,
            "row": self.row,
            "x": self.x,
            "width": self.width_px,
            "column": self.column,
            "title": self.title,
            "rtl": self.rtl,
            "pieces": [[*piece, piece.is_run] for piece in self.pieces],
        }


@dataclass(frozen=True)
class Typeset:
    """A text on the lens; ``cut`` is how many more lines it has than there is room for."""

    lines: tuple[PlacedLine, ...]
    cut: int


def lens_size(profile: Profile) -> tuple[int, int]:
    """The width and the height of a lens, in pixels, as far as text goes."""
    return profile.width_px, profile.max_lines * ROW_PX


def set_text(
    text: str, profile: Profile, *, title: str = "", break_mode: BreakMode = "character"
) -> Typeset:
    """A text from the top of the lens down, below its title if it has one.

    It ends where the lens is full or the profile's limit of bytes is reached, as ``wrap`` says.
    """
    parts = [part for part in (title, text) if part.strip()]
    if not parts:
        return Typeset((), 0)
    whole = "\n".join(parts)
    wrapped = wrap(whole, profile=profile, break_mode=break_mode)
    title_rows = _count(title, profile, break_mode) if title.strip() else 0
    lines = tuple(
        _placed(line, row, 0, profile.width_px, profile, title=row < title_rows)
        for row, line in enumerate(wrapped.lines)
    )
    cut = _count(whole, profile, break_mode) - len(lines) if wrapped.cut else 0
    return Typeset(lines, cut)


def set_columns(left: str, right: str, profile: Profile) -> Typeset:
    """Two texts side by side.

    A row goes to the glasses as one line, with spaces between its halves, and counts as such
    for the limit of bytes.
    """
    half = int(profile.width_px * LEFT_COLUMN_ENDS)
    middle = int(profile.width_px * RIGHT_COLUMN_BEGINS)
    columns = _all_lines(left, half, profile), _all_lines(right, profile.width_px - middle, profile)
    rows = list(zip_longest(*columns))
    lines: list[PlacedLine] = []
    used = -1  # the first row has no newline before it
    for shown, (left_line, right_line) in enumerate(rows):
        spaces = _spaces(left_line or "", right_line, middle, profile)
        used += byte_count(f"{left_line or ''}{right_line or ''}") + spaces + 1
        if shown == profile.max_lines or used > profile.max_bytes:
            return Typeset(tuple(lines), len(rows) - shown)
        if left_line is not None:
            lines.append(_placed(left_line, shown, 0, half, profile))
        if right_line is not None:
            measure = measurer_for(profile).measure
            x = measure(left_line or "") + spaces * measure(" ")
            lines.append(_placed(right_line, shown, x, profile.width_px, profile, column=1))
    return Typeset(tuple(lines), 0)


def _spaces(left: str, right: str | None, middle: int, profile: Profile) -> int:
    """How many spaces bring the right half of a row to where its column begins, or just past."""
    if not right:
        return 0
    measure = measurer_for(profile).measure
    wanted = -(-(middle - measure(left)) // measure(" "))
    room = (profile.width_px - measure(left) - measure(right)) // measure(" ")
    return max(1, min(wanted, room))


def _all_lines(text: str, width: int, profile: Profile) -> tuple[str, ...]:
    if not text.strip():
        return ()
    return wrap(
        text, profile=profile, max_width_px=width, max_lines=UNLIMITED, max_bytes=UNLIMITED
    ).lines


def _count(text: str, profile: Profile, break_mode: BreakMode) -> int:
    """How many lines a text would have, if there were room."""
    return len(
        wrap(
            text,
            profile=profile,
            max_lines=UNLIMITED,
            max_bytes=UNLIMITED,
            break_mode=break_mode,
        ).lines
    )


def _placed(
    text: str,
    row: int,
    left: int,
    right: int,
    profile: Profile,
    *,
    column: int = 0,
    title: bool = False,
) -> PlacedLine:
    """A line between two edges: at the left one, or at the right one if it is read from there."""
    measurer = measurer_for(profile)
    width = measurer.measure(text)
    kinds = _kinds(text)
    rtl = _RTL_LINE.match(kinds) is not None
    x = right - width if rtl else left
    if rtl:
        pieces: tuple[Piece, ...] = (Piece(text, x, width),)
    else:
        pieces = tuple(_pieces(_units(text, kinds), x, measurer))
    return PlacedLine(text, row, x, width, column, title, rtl, pieces)


def _pieces(units: Sequence[str], x: int, measurer: TextMeasurer) -> Iterator[Piece]:
    for unit in units:
        width = measurer.measure(unit)
        yield Piece(unit, x, width)
        x += width


# --- Letters that cannot be placed one by one -----------------------------------------------------

_BEFORE_THE_FIRST = re.compile("[\x00-\u058f]*")
"""Text in which every grapheme stands for itself, from left to right."""

_JOINED = re.compile("[\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ua8e0-\ua8ff\ua980-\ua9df]")
"""Scripts from left to right whose letters change beside each other, as in Devanagari."""

_KINDS = {"R": "R", "AL": "R", "EN": "N", "AN": "N", "L": "L", "NSM": "M"}
"""Unicode's classes of direction: right to left, numbers, left to right, marks."""

_RTL_LINE = re.compile("[^LJ]*?R")

_RUNS = re.compile("R(?:[^LJ]*[RN])?M*|J[Jz]*")
"""In a line from left to right: what goes leftwards, numbers within included; a joined word."""


def _kinds(text: str) -> str:
    """A letter for each character that says how it behaves in a line; empty if all are plain."""
    if _BEFORE_THE_FIRST.fullmatch(text):
        return ""
    return "".join(map(_kind, text))


def _kind(char: str) -> str:
    if _JOINED.match(char):
        return "J"
    return "z" if char in "\u200c\u200d" else _KINDS.get(bidirectional(char), ".")


def _units(text: str, kinds: str) -> Sequence[str]:
    """The graphemes of a line, and its runs."""
    if not kinds:
        return graphemes(text)
    units: list[str] = []
    done = 0
    for run in _RUNS.finditer(kinds):
        units += graphemes(text[done : run.start()])
        units.append(text[run.start() : run.end()])
        done = run.end()
    return [*units, *graphemes(text[done:])]
