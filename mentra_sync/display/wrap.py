"""Text broken into the lines that a lens will show, in pages, or cut to one line.

The lines are those of the official SDK's text wrapper, except where that one shows a fault:
it starts lines with closing marks and ends them with opening ones, puts spaces between Chinese
or Japanese characters and hyphens beside them, lets a hyphen run past the end of the line, and
takes emoji and accented letters apart.  ``tests/display/test_agreement.py`` holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mentra_sync.display.breaks import BREAK_MODES, BreakMode, Line, break_paragraph
from mentra_sync.display.graphemes import graphemes
from mentra_sync.display.measure import TextMeasurer, byte_count, measurer_for
from mentra_sync.display.profiles import G1, Profile

UNLIMITED = 2**62
"""As ``max_lines`` or ``max_bytes``: no limit."""

LARGEST_CHARACTER_BYTES = 4
"""The UTF-8 size of the largest character: with a smaller limit nothing might fit at all."""


@dataclass(frozen=True)
class Wrapped:
    """A text broken into lines.

    ``lines`` are what to show, ``widths_px`` their widths, ``hyphenated`` says of each whether
    its last character is a hyphen that was added; ``cut`` is True when not all of the text fitted.
    """

    lines: tuple[str, ...]
    widths_px: tuple[int, ...] = field(repr=False)
    hyphenated: tuple[bool, ...] = field(repr=False)
    cut: bool

    @property
    def text(self) -> str:
        """The lines as one text, ready for ``show_text_wall``."""
        return "\n".join(self.lines)

    @property
    def byte_count(self) -> int:
        """The size of ``text`` in UTF-8."""
        return byte_count(self.text)


def wrap(
    text: str,
    *,
    profile: Profile = G1,
    max_width_px: int | None = None,
    max_lines: int | None = None,
    max_bytes: int | None = None,
    break_mode: BreakMode = "character",
) -> Wrapped:
    r"""Break ``text`` into lines no wider than ``max_width_px``, and stop where the lens is full.

    Limits that are not given are the profile's; ``UNLIMITED`` lifts that of lines or bytes (of
    UTF-8, newlines included, at least 4).  Newlines in the text stay.  A line is wider than the
    limit only in ``strict-word`` mode, by an overlong word, or when a single character is.
    Graphemes stay whole unless one alone is more than a line, and characters always.

    >>> wrap("one two three", max_width_px=70, break_mode="word").lines
    ('one two', 'three')

    Raises ValueError for a limit or mode that makes no sense, TypeError for what is no text.
    """
    limits = _Limits(profile, max_width_px, max_lines, max_bytes, break_mode)
    taken: list[Line] = []
    used = 0
    cut = False
    for line in limits.lines(text):
        size = byte_count(line.text) + (1 if taken else 0)
        if len(taken) + 1 > limits.max_lines or used + size > limits.max_bytes:
            cut = True
            break
        taken.append(line)
        used += size
    return Wrapped(
        tuple(line.text for line in taken),
        tuple(line.width_px for line in taken),
        tuple(line.hyphenated for line in taken),
        cut,
    )


def paginate(
    text: str,
    *,
    profile: Profile = G1,
    max_width_px: int | None = None,
    max_lines: int | None = None,
    max_bytes: int | None = None,
    break_mode: BreakMode = "character",
) -> list[str]:
    """Break all of ``text`` into pages, each within the limits of ``wrap``; at least one page.

    A page is a text with newlines, ready to be shown.  Raises as ``wrap`` does.
    """
    limits = _Limits(profile, max_width_px, max_lines, max_bytes, break_mode)
    pages: list[list[str]] = [[]]
    used = 0
    for line in limits.lines(text):
        size = byte_count(line.text) + (1 if pages[-1] else 0)
        if len(pages[-1]) + 1 > limits.max_lines or used + size > limits.max_bytes:
            pages.append([])
            size = byte_count(line.text)
            used = 0
        pages[-1].append(line.text)
        used += size
    return ["\n".join(page) for page in pages]


def truncate(
    text: str,
    *,
    profile: Profile = G1,
    max_width_px: int | None = None,
    max_bytes: int | None = None,
    ellipsis: str = "...",
) -> str:
    """``text`` on one line: as it is if it fits, else its beginning and an ellipsis.

    Only the first line of a text with several is kept.  Where even the ellipsis does not fit,
    as much of it as does is the answer.  Raises ValueError for a limit that makes no sense.
    """
    limits = _Limits(profile, max_width_px, 1, max_bytes, "character")
    first_line = _newlines_only(text).split("\n", 1)[0]
    if first_line == text and limits.holds(text):
        return text
    ending = ellipsis
    while ending and not limits.holds(ending):
        ending = "".join(graphemes(ending)[:-1])
    room = limits.max_width_px - limits.measurer.measure(ending)
    kept = limits.measurer.prefix(first_line, room)
    clusters = list(graphemes(kept))
    too_many = byte_count(kept) + byte_count(ending) - limits.max_bytes
    while clusters and too_many > 0:
        too_many -= byte_count(clusters.pop())
    return "".join(clusters).rstrip() + ending


class _Limits:
    """The arguments of a call, checked, with the profile's values where none was given."""

    def __init__(
        self,
        profile: Profile,
        max_width_px: int | None,
        max_lines: int | None,
        max_bytes: int | None,
        break_mode: BreakMode,
    ) -> None:
        self.measurer: TextMeasurer = measurer_for(profile)
        self.max_width_px = profile.width_px if max_width_px is None else max_width_px
        self.max_lines = profile.max_lines if max_lines is None else max_lines
        self.max_bytes = profile.max_bytes if max_bytes is None else max_bytes
        self.break_mode = break_mode
        smallest = {"max_width_px": 1, "max_lines": 1, "max_bytes": LARGEST_CHARACTER_BYTES}
        for name, least in smallest.items():
            limit = getattr(self, name)
            number = isinstance(limit, int | float) and not isinstance(limit, bool)
            if not number or not limit >= least:  # NaN is not, either
                raise ValueError(f"{name} must be at least {least}, got {limit!r}")
        if break_mode not in BREAK_MODES:
            known = ", ".join(f'"{mode}"' for mode in BREAK_MODES)
            raise ValueError(f"break_mode must be one of {known}, got {break_mode!r}")

    def holds(self, text: str) -> bool:
        return self.measurer.fits(text, self.max_width_px) and byte_count(text) <= self.max_bytes

    def lines(self, text: str) -> Iterator[Line]:
        """All lines of a text; one that alone is over the limit of bytes comes in pieces."""
        for paragraph in _newlines_only(text).split("\n"):
            for line in break_paragraph(
                paragraph, self.measurer, self.max_width_px, self.break_mode
            ):
                if byte_count(line.text) <= self.max_bytes:
                    yield line
                else:
                    yield from self._pieces(line)

    def _pieces(self, line: Line) -> Iterator[Line]:
        pieces = [""]
        for cluster in graphemes(line.text):
            whole = byte_count(cluster) <= self.max_bytes
            for unit in [cluster] if whole else cluster:
                if byte_count(pieces[-1] + unit) > self.max_bytes:
                    pieces.append("")
                pieces[-1] += unit
        last = len(pieces) - 1
        for number, piece in enumerate(pieces):
            if text := piece.strip():
                hyphenated = line.hyphenated and number == last
                yield Line(text, self.measurer.measure(text), hyphenated)


def _newlines_only(text: str) -> str:
    """The text with Windows' and old Macs' line ends as plain newlines."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}; convert it with str()")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
