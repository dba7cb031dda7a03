"""Widths in pixels and sizes in bytes."""

from __future__ import annotations

import pytest

from mentra_sync.display import G1, SIMULATED, Z100, Profile, TextMeasurer
from mentra_sync.display.measure import MAX_REMEMBERED, byte_count
from mentra_sync.display.profiles import script_of

G1_WIDTHS = [
    ("", 0),
    (" ", 6),
    ("i", 4),
    ("W", 16),
    ("-", 10),
    ("Hello", 12 + 10 + 4 + 4 + 10),
    ("щ", 18),
    ("中", 18),
    ("ひ", 18),
    ("カ", 18),
    ("\U00030000", 18),
    ("한", 24),
    ("é", 16),
    ("👍", 16),
    ("\t", 16),
    ("e\u0301", 10 + 16),
]


@pytest.mark.parametrize(("text", "width"), G1_WIDTHS)
def test_g1_widths(text: str, width: int) -> None:
    measurer = TextMeasurer(G1)
    assert measurer.measure(text) == width
    assert measurer.measure(text) == width, "the same when remembered"


def test_every_ascii_character_has_a_width_of_its_own() -> None:
    for profile in (G1, Z100, SIMULATED):
        assert set(profile.char_widths) == {chr(code) for code in range(32, 127)}


def test_facts_of_the_displays() -> None:
    def facts(profile: Profile) -> tuple[int, int, int]:
        return profile.width_px, profile.max_lines, profile.max_bytes

    assert facts(G1) == (576, 5, 390)
    assert facts(Z100) == facts(SIMULATED) == (390, 7, 512)
    assert TextMeasurer(Z100).measure("[1]: Testing testing 1-2-3 testing testing") == 387


def test_fits_at_the_limit_and_not_beyond() -> None:
    measurer = TextMeasurer(G1)
    assert measurer.fits("W" * 36)
    assert not measurer.fits("W" * 36 + "i")
    assert measurer.fits("ab", 22)
    assert not measurer.fits("ab", 21)


def test_prefix_keeps_graphemes_whole() -> None:
    measurer = TextMeasurer(G1)
    assert measurer.prefix("abc", 22) == "ab"
    assert measurer.prefix("ae\u0301", 12 + 25) == "a"
    assert measurer.prefix("abc", 5) == ""
    assert measurer.prefix("ab", 1000) == "ab"


def test_bytes_are_those_of_utf_8() -> None:
    assert [byte_count(text) for text in ("", "ab", "é", "中", "👍", "\ud800")] == [
        0,
        2,
        2,
        3,
        4,
        3,
    ]


def test_remembers_no_more_than_its_limit() -> None:
    measurer = TextMeasurer(G1)
    text = "".join(map(chr, range(0x20000, 0x20000 + MAX_REMEMBERED + 500)))
    assert measurer.measure(text) == 18 * len(text)
    assert len(measurer.widths) == MAX_REMEMBERED


def test_scripts() -> None:
    assert [script_of(char) for char in "aжの中カ글"] == [
        None,
        "cyrillic",
        "hiragana",
        "cjk",
        "katakana",
        "korean",
    ]
