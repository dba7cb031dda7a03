"""Lines, pages and texts cut to a line."""
# ruff: noqa: RUF001 - the look-alikes of other scripts are the point here

from __future__ import annotations

import doctest
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mentra_sync.display import G1, UNLIMITED, Z100, TextMeasurer, Wrapped, paginate, truncate, wrap
from mentra_sync.display.breaks import BREAK_MODES
from mentra_sync.display.graphemes import graphemes
from mentra_sync.display.measure import byte_count

MEASURER = TextMeasurer(G1)
PIECES = st.sampled_from(
    [
        *"aiWm1-/ \t\n.,!?)(]['\"",
        *"中文はカ。，「」（）한국привіт",
        *("é", "e\u0301", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "\u00a0", "\u3000", "\r\n", "\u200b", "\ud83d"),
        *("word ", "example.com/a", "internationalisation", "!!", "((", "...", "--", "  "),
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)
MODES = st.sampled_from(BREAK_MODES)
WIDTHS = st.integers(1, 700)


def lines(text: str, width: int, mode: Any = "character", **limits: int) -> tuple[str, ...]:
    limits = {"max_lines": UNLIMITED, "max_bytes": UNLIMITED, **limits}
    return wrap(text, max_width_px=width, break_mode=mode, **limits).lines


def test_the_examples_in_the_docstrings_are_true() -> None:
    for module in ("measure", "wrap", "scroll"):
        results = doctest.testmod(importlib.import_module(f"mentra_sync.display.{module}"))
        assert results.attempted
        assert not results.failed


# --- What each mode does ---------------------------------------------------------------------


def test_text_that_fits_is_one_line() -> None:
    assert wrap("Hello  world") == Wrapped(("Hello  world",), (100,), (False,), False)
    assert wrap("").lines == ("",)


def test_character_mode_fills_lines_and_hyphenates() -> None:
    wrapped = wrap("wonderful weather", max_width_px=100)
    assert wrapped.lines == ("wonderful", "weather")
    wrapped = wrap("wonderful weather", max_width_px=122)
    assert wrapped.lines == ("wonderful w-", "eather")
    assert wrapped.hyphenated == (True, False)


def test_character_mode_has_no_hyphen_after_fewer_than_three_characters() -> None:
    assert lines("WWWW", 32) == ("WW", "WW")
    assert lines("WWWWWW", 58) == ("WWW-", "WWW")


def test_word_mode_breaks_between_words_and_hyphenates_only_long_ones() -> None:
    assert lines("wonderful weather", 122, "word") == ("wonderful", "weather")
    assert lines("a wonderful day", 60, "word") == ("a", "wond-", "erful", "day")
    assert lines("one    two\tthree", 80, "word") == ("one two", "three")


def test_strict_word_mode_lets_a_long_word_run_over() -> None:
    wrapped = wrap("a wonderful day", max_width_px=60, break_mode="strict-word")
    assert wrapped.lines == ("a", "wonderful", "day")
    assert wrapped.widths_px[1] == 90
    assert not any(wrapped.hyphenated)


def test_words_are_not_hyphenated_at_a_dash_or_slash() -> None:
    assert lines("aaaaa/bbbbb", 70) == ("aaaaa/", "bbbbb")
    assert lines("well-known", 60, "word") == ("well-", "known")
    assert lines("abcdef👍", 74) == ("abcdef", "👍")


@pytest.mark.parametrize("mode", BREAK_MODES)
def test_each_chinese_character_is_a_word(mode: str) -> None:
    assert lines("前面左转车站", 60, mode) == ("前面左", "转车站")
    assert lines("ab前面cd", 50, mode) == ("ab前", "面cd")


@pytest.mark.parametrize("mode", BREAK_MODES)
def test_no_line_starts_with_a_closing_or_ends_with_an_opening_mark(mode: str) -> None:
    assert lines("前面左，转车站", 60, mode) == ("前面", "左，转", "车站")
    assert lines("前面（左转）车站", 60, mode) == ("前面", "（左", "转）车", "站")
    assert lines("前面左！！转", 60, mode) == ("前面", "左！！", "转")


def test_marks_after_a_space_stay_with_their_word() -> None:
    assert lines("oui merci !", 60, "word") == ("oui", "merci !")
    assert lines("see ( all )", 52, "word") == ("see", "( all )")


def test_marks_that_cannot_stay_with_their_word_do_not_make_a_line_too_wide() -> None:
    assert lines("a ) )", 20, "strict-word") == ("a", ") )")


def test_a_long_row_of_marks_fills_the_line() -> None:
    assert lines("a" + "." * 20, 60) == ("a" + "." * 12, "." * 8)
    assert lines("a" + "。" * 9, 66) == ("a" + "。" * 3, "。" * 4, "。" * 2)


def test_newlines_stay_and_spaces_at_the_ends_go() -> None:
    assert lines("  one \n\n two\n", 576) == ("one", "", "two", "")
    assert lines("one\r\ntwo\rthree", 576) == ("one", "two", "three")
    assert lines("wonderful  weather", 90) == ("wonderful", "weather")


def test_tabs_break_and_are_kept_where_nothing_breaks() -> None:
    assert lines("a\tb", 576) == ("a\tb",)
    assert MEASURER.measure("\t") == 16
    assert lines("one\ttwo\tthree", 70, "word") == ("one two", "three")
    assert lines("one\ttwo\tthree", 70, "strict-word") == ("one two", "three")
    assert lines("\tone\t", 70) == ("one",)


def test_a_space_that_does_not_break_holds_words_together() -> None:
    assert lines("one 12\u00a0km", 70, "word") == ("one", "12\u00a0km")


# --- Limits ----------------------------------------------------------------------------------


def test_the_limits_are_those_of_the_display() -> None:
    assert len(wrap("word " * 200).lines) == 5
    assert len(wrap("word " * 200, profile=Z100).lines) == 7
    assert wrap("前" * 500).byte_count <= 390
    assert wrap("word " * 200).cut


def test_lines_beyond_the_limit_are_cut() -> None:
    assert wrap("a\nb\nc", max_lines=3) == Wrapped(
        ("a", "b", "c"), (12, 10, 10), (False,) * 3, False
    )
    cut = wrap("a\nb\nc", max_lines=2)
    assert (cut.lines, cut.cut) == (("a", "b"), True)


def test_bytes_count_newlines_and_are_kept_to() -> None:
    assert not wrap("ab\nцд", max_bytes=7).cut
    cut = wrap("ab\nцд", max_bytes=6)
    assert (cut.lines, cut.cut) == (("ab",), True)


def test_a_line_that_alone_has_too_many_bytes_is_shown_in_part() -> None:
    cut = wrap("日本語", max_bytes=7)
    assert (cut.lines, cut.cut) == (("日本",), True)
    assert wrap("日 本", max_bytes=4, max_lines=9).lines == ("日",)
    assert paginate("日 本", max_bytes=4) == ["日", "本"]
    cut = wrap("ae\u0301e\u0301", max_bytes=6)
    assert (cut.lines, cut.cut) == (("ae\u0301",), True)


def test_a_grapheme_stays_whole_unless_it_is_more_than_a_line() -> None:
    family = "👩‍👩‍👧‍👦"
    assert lines(f"abcdefghi {family}", 150) == ("abcdefghi", family)
    assert "".join(lines(family, 40)) == family
    assert len(lines(family, 40)) == 4


def test_a_character_wider_than_the_line_stands_alone() -> None:
    assert lines("W中i", 5) == ("W", "中", "i")


@pytest.mark.parametrize(
    ("limit", "least"), [("max_width_px", 1), ("max_lines", 1), ("max_bytes", 4)]
)
def test_limits_that_make_no_sense_are_refused(limit: str, least: int) -> None:
    wrap("a", **{limit: least})
    for function in (wrap, paginate):
        with pytest.raises(ValueError, match=f"{limit} must be at least {least}, got {least - 1}"):
            function("a", **{limit: least - 1})


@pytest.mark.parametrize("limit", ["max_width_px", "max_lines", "max_bytes"])
@pytest.mark.parametrize("value", [float("nan"), "80", True, [5]])
def test_limits_that_are_no_numbers_are_refused(limit: str, value: Any) -> None:
    for function in (wrap, paginate):
        with pytest.raises(ValueError, match=rf"{limit} must be at least \d, got "):
            function("some text", **{limit: value})


def test_a_fraction_of_a_line_is_none() -> None:
    limit: Any = 2.5
    assert wrap("a\nb\nc", max_lines=limit).lines == ("a", "b")
    assert paginate("a\nb\nc", max_lines=limit) == ["a\nb", "c"]


@pytest.mark.parametrize("function", [wrap, paginate, truncate])
@pytest.mark.parametrize("profile", ["g1", None, 576])
def test_what_is_no_profile_is_refused(function: Any, profile: Any) -> None:
    with pytest.raises(TypeError, match=f"such as G1, Z100 or SIMULATED; got {profile!r}"):
        function("hello", profile=profile)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match='"word", "strict-word", got \'words\''):
        wrap("a", break_mode="words")  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [wrap, paginate, truncate])
def test_what_is_no_text_is_refused(function: Any) -> None:
    with pytest.raises(TypeError, match="text must be a str, got int; convert it"):
        function(42)


# --- What holds for every text ---------------------------------------------------------------


@given(TEXTS, WIDTHS, MODES)
def test_no_line_is_wider_than_the_limit(text: str, width: int, mode: Any) -> None:
    wrapped = wrap(
        text, max_width_px=width, max_lines=UNLIMITED, max_bytes=UNLIMITED, break_mode=mode
    )
    assert wrapped.widths_px == tuple(map(MEASURER.measure, wrapped.lines))
    for line in wrapped.lines:
        if MEASURER.measure(line) > width:
            overlong = (
                mode == "strict-word" and " " not in line and not set("中文はカ") & set(line[1:])
            )
            assert len(line) == 1 or overlong


@given(TEXTS, WIDTHS, MODES)
def test_nothing_is_lost_or_reordered(text: str, width: int, mode: Any) -> None:
    wrapped = wrap(
        text, max_width_px=width, max_lines=UNLIMITED, max_bytes=UNLIMITED, break_mode=mode
    )
    assert not wrapped.cut
    shown = (
        line.removesuffix("-") if hyphenated else line
        for line, hyphenated in zip(wrapped.lines, wrapped.hyphenated, strict=True)
    )
    assert squeezed("".join(shown)) == squeezed(text)


@given(TEXTS, WIDTHS, MODES, st.integers(1, 6), st.integers(4, 100))
@example("W\u0301" * 3, 20, "character", 5, 390)
def test_wrapping_again_changes_nothing(
    text: str, width: int, mode: Any, max_lines: int, max_bytes: int
) -> None:
    limits = {"max_lines": max_lines, "max_bytes": max_bytes}
    once = wrap(text, max_width_px=width, break_mode=mode, **limits)
    again = wrap(once.text, max_width_px=width, break_mode=mode, **limits)
    assert again.lines == once.lines
    assert not again.cut


@given(TEXTS, WIDTHS, MODES, st.integers(1, 6), st.integers(4, 100))
def test_limits_are_kept_and_only_the_end_is_cut(
    text: str, width: int, mode: Any, max_lines: int, max_bytes: int
) -> None:
    limited = wrap(
        text, max_width_px=width, break_mode=mode, max_lines=max_lines, max_bytes=max_bytes
    )
    assert limited.lines
    assert len(limited.lines) <= max_lines
    assert limited.byte_count == byte_count("\n".join(limited.lines)) <= max_bytes
    whole = lines(text, width, mode, max_bytes=max_bytes * 1000)
    if not any(byte_count(line) > max_bytes for line in whole):
        assert limited.lines == whole[: len(limited.lines)]
        assert limited.cut == (len(whole) > len(limited.lines))


@given(TEXTS, MODES)
def test_graphemes_stay_whole(text: str, mode: Any) -> None:
    width = 150  # more than any single one here
    clusters = [squeezed(cluster) for cluster in graphemes(text) if squeezed(cluster)]
    wrapped = wrap(
        text, max_width_px=width, max_lines=UNLIMITED, max_bytes=UNLIMITED, break_mode=mode
    )
    shown = [cluster for line in wrapped.lines for cluster in words(line)]
    hyphens = sum(wrapped.hyphenated)
    assert len(shown) == len(clusters) + hyphens


# --- Pages -----------------------------------------------------------------------------------


def test_pages_hold_all_of_a_text() -> None:
    assert paginate("") == [""]
    assert paginate("a\nb\nc\nd\ne\nf\n") == ["a\nb\nc\nd\ne", "f\n"]
    assert paginate("前" * 200) == [
        ("\n".join(["前" * 32] * 4)),
        "\n".join(["前" * 32, "前" * 32, "前" * 8]),
    ]


@given(TEXTS, WIDTHS, MODES, st.integers(1, 6), st.integers(4, 100))
def test_pages_are_within_the_limits_and_lose_nothing(
    text: str, width: int, mode: Any, max_lines: int, max_bytes: int
) -> None:
    pages = paginate(
        text, max_width_px=width, break_mode=mode, max_lines=max_lines, max_bytes=max_bytes
    )
    for page in pages:
        assert len(page.split("\n")) <= max_lines
        assert byte_count(page) <= max_bytes
        again = wrap(
            page, max_width_px=width, break_mode=mode, max_bytes=max_bytes, max_lines=max_lines
        )
        assert again.text == page
    shown = squeezed("".join(pages)).replace("-", "")
    assert shown == squeezed(text).replace("-", "")


# --- One line --------------------------------------------------------------------------------


def test_truncate_leaves_alone_what_fits() -> None:
    assert truncate("Hello") == "Hello"
    assert truncate("W" * 36) == "W" * 36


def test_truncate_ends_in_an_ellipsis_that_fits() -> None:
    assert truncate("W" * 37) == "W" * 35 + "..."
    assert truncate("Hello world", max_width_px=74) == "Hello w..."
    assert truncate("Hello world", max_width_px=66) == "Hello..."
    assert truncate("Hello\nworld") == "Hello..."
    assert truncate("前面左转", max_bytes=10) == "前面..."
    assert truncate("Hello!", max_width_px=40, ellipsis="…") == "He…"
    assert truncate("Hello", max_width_px=9) == ".."
    assert truncate("Hello", max_width_px=1) == ""


@given(TEXTS, WIDTHS, st.integers(4, 50))
def test_a_truncated_text_fits_and_is_a_beginning(text: str, width: int, max_bytes: int) -> None:
    short = truncate(text, max_width_px=width, max_bytes=max_bytes)
    assert MEASURER.measure(short) <= width
    assert byte_count(short) <= max_bytes
    assert "\n" not in short
    assert short == text or text.replace("\r\n", "\n").startswith(short.rstrip("."))


def squeezed(text: str) -> str:
    return "".join(text.split())


def words(line: str) -> Iterator[str]:
    return (squeezed(cluster) for cluster in graphemes(line) if squeezed(cluster))
