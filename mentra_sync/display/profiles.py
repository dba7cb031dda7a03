"""What is known of each display: how wide, how many lines, how many bytes, how wide a character."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

SCRIPTS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "cyrillic": ((0x0400, 0x052F),),
    "hiragana": ((0x3040, 0x309F),),
    "katakana": ((0x30A0, 0x30FF), (0x31F0, 0x31FF)),
    # The last range is all of the planes that Unicode keeps for ideographs.
    "cjk": ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),
    "korean": (
        (0x1100, 0x11FF),
        (0x3130, 0x318F),
        (0xA960, 0xA97F),
        (0xAC00, 0xD7FF),
    ),
}
"""The scripts whose characters all have one width on a lens, by code points, ends included."""

NO_LINE_START = frozenset(".,!?:;)]}．，！？：；）］｝。、】」』")  # noqa: RUF001
"""Closing marks; a line should not start with one."""

NO_LINE_END = frozenset("([{（［｛【「『")  # noqa: RUF001
"""Opening marks; a line should not end with one."""


@dataclass(frozen=True, eq=False)
class Profile:
    """The facts about one kind of display that fitting text on it needs.

    Widths are rendered pixels.  ``char_widths`` holds single characters, ``script_widths``
    the scripts of ``SCRIPTS``, and ``other_width`` serves everything else.  ``max_bytes``
    counts UTF-8, each newline as one.  Profiles are compared by identity.
    """

    name: str
    width_px: int
    max_lines: int
    max_bytes: int
    char_widths: Mapping[str, int]
    script_widths: Mapping[str, int]
    other_width: int
    no_line_start: frozenset[str] = NO_LINE_START
    no_line_end: frozenset[str] = NO_LINE_END
    min_chars_before_hyphen: int = 3


@lru_cache(maxsize=4096)
def script_of(char: str) -> str | None:
    """The name in ``SCRIPTS`` of the script of one character, or None."""
    code = ord(char)
    for script, ranges in SCRIPTS.items():
        for first, last in ranges:
            if first <= code <= last:
                return script
    return None


def _glyph_widths(name: str) -> dict[str, int]:
    text = files("mentra_sync.display").joinpath(name).read_text(encoding="utf-8")
    widths: dict[str, int] = json.loads(text)
    return widths


G1 = Profile(
    name="Even Realities G1",
    width_px=576,
    max_lines=5,
    max_bytes=390,
    # The firmware draws each glyph with a column of space, and everything doubled.
    char_widths={
        char: (glyph + 1) * 2 for char, glyph in _glyph_widths("g1_glyph_widths.json").items()
    },
    script_widths={"cjk": 18, "hiragana": 18, "katakana": 18, "korean": 24, "cyrillic": 18},
    other_width=16,
)
"""Even Realities G1."""

Z100 = Profile(
    name="Vuzix Z100",
    # Of the 640 px the glasses' own text layout leaves this much to a line.
    width_px=390,
    max_lines=7,
    max_bytes=512,
    char_widths=_glyph_widths("z100_glyph_widths.json"),
    script_widths={"cjk": 21, "hiragana": 21, "katakana": 21, "korean": 21, "cyrillic": 14},
    other_width=20,
)
"""Vuzix Z100."""

SIMULATED = replace(Z100, name="Simulated Glasses")
"""The simulated glasses, which have the display of a Z100."""
