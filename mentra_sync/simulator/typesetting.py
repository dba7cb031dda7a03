"""Text set on a lens: which piece of which line stands where, to the pixel, and what is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from unicodedata import bidirectional

from mentra_sync.display.breaks import BreakMode
from mentra_sync.display.columns import left_width, side_by_side
from mentra_sync.display.graphemes import graphemes
from mentra_sync.display.measure import TextMeasurer, measurer_for
from mentra_sync.display.profiles import Profile
from mentra_sync.display.wrap import UNLIMITED, wrap

ROW_PX = 27
"""The height of a row: five of them are the 135 px of a G1.  Of others nothing better is known."""


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
    """Two texts side by side."""
    columns = side_by_side(left, right, profile)
    half = left_width(profile)
    lines: list[PlacedLine] = []
    for number, row in enumerate(columns.rows):
        if row.left is not None:
            lines.append(_placed(row.left, number, 0, half, profile))
        if row.right is not None:
            lines.append(_placed(row.right, number, row.x, profile.width_px, profile, column=1))
    return Typeset(tuple(lines), columns.cut)


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
