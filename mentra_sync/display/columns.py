"""Two texts side by side on a lens: the left one over half of it, the right one from 55 % on.

The phone that carries the glasses brings the right column into line with spaces, so a row goes
to the glasses as one line and counts as such for the limit of bytes.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import NamedTuple

from mentra_sync.display.measure import byte_count, measurer_for
from mentra_sync.display.profiles import Profile
from mentra_sync.display.wrap import UNLIMITED, wrap

LEFT_ENDS, RIGHT_BEGINS = 0.5, 0.55
"""The columns, as shares of the width."""


class Row(NamedTuple):
    """One row of the lens; a half that is None has no line there.  ``x`` is where the right half
    begins, in pixels."""

    left: str | None
    right: str | None
    x: int


class Columns(NamedTuple):
    """The rows that are shown; ``cut`` is how many more there are than there is room for."""

    rows: tuple[Row, ...]
    cut: int


def side_by_side(left: str, right: str, profile: Profile) -> Columns:
    """Two texts in columns, until the lens is full or the limit of bytes is reached."""
    half = left_width(profile)
    middle = int(profile.width_px * RIGHT_BEGINS)
    lines = _lines(left, half, profile), _lines(right, profile.width_px - middle, profile)
    pairs = list(zip_longest(*lines))
    measure = measurer_for(profile).measure
    rows: list[Row] = []
    used = -1  # the first row has no newline before it
    for shown, (left_line, right_line) in enumerate(pairs):
        spaces = _spaces(left_line or "", right_line, middle, profile)
        used += byte_count(f"{left_line or ''}{right_line or ''}") + spaces + 1
        if shown == profile.max_lines or used > profile.max_bytes:
            return Columns(tuple(rows), len(pairs) - shown)
        x = measure(left_line or "") + spaces * measure(" ")
        rows.append(Row(left_line, right_line, x))
    return Columns(tuple(rows), 0)


def left_width(profile: Profile) -> int:
    """How wide the left column is, in pixels."""
    return int(profile.width_px * LEFT_ENDS)


def _spaces(left: str, right: str | None, middle: int, profile: Profile) -> int:
    """How many spaces bring the right half of a row to where its column begins, or just past."""
    if not right:
        return 0
    measure = measurer_for(profile).measure
    wanted = -(-(middle - measure(left)) // measure(" "))
    room = (profile.width_px - measure(left) - measure(right)) // measure(" ")
    return max(1, min(wanted, room))


def _lines(text: str, width: int, profile: Profile) -> tuple[str, ...]:
    if not text.strip():
        return ()
    return wrap(
        text, profile=profile, max_width_px=width, max_lines=UNLIMITED, max_bytes=UNLIMITED
    ).lines
