"""Where a line of text may end, and how it ends there.

A paragraph is looked at as grapheme clusters with the running sum of their widths, so the end
of a line is found by bisection, and the place to break by going back from there a little way.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple, get_args

from mentra_sync.display.graphemes import graphemes
from mentra_sync.display.measure import TextMeasurer
from mentra_sync.display.profiles import script_of

BreakMode = Literal["character", "word", "strict-word"]
"""``character`` fills each line and hyphenates inside words; ``word`` breaks between words and
hyphenates only a word longer than a line; ``strict-word`` never hyphenates, so that such a word
runs past the end."""

BREAK_MODES: tuple[BreakMode, ...] = get_args(BreakMode)

HYPHEN = "-"

MAX_SHIFT = 6
"""How many places with a wrong mark at a line's start or end are passed over in search of a
better one; beyond them (a row of dots) the line is simply filled."""

_WORD_SCRIPTS_WITHOUT_SPACES = frozenset({"cjk", "hiragana", "katakana"})

_BREAKS_WITHOUT_HYPHEN = frozenset("-–—/\\|‐")  # noqa: RUF001

_PICTURES = "\u2190-\u2bff\u3000-\u303f\ufe30-\ufe4f\uff00-\uffef\U0001f000-\U0001faff"
_NEVER_IN_A_WORD = re.compile(f"[{_PICTURES}]")
"""Arrows, symbols, emoji, and the full-width marks: a hyphen beside them means nothing."""

_NO_BREAK_SPACES = frozenset("\u00a0\u2007\u202f")


class Line(NamedTuple):
    """One line as it is shown.  ``hyphenated``: its last character was added at the break."""

    text: str
    width_px: int
    hyphenated: bool = False


def break_paragraph(
    paragraph: str, measurer: TextMeasurer, max_width_px: int, mode: BreakMode
) -> Iterator[Line]:
    """The lines of one paragraph, a text without newlines; of an empty one, one empty line.

    Spaces at either end of a line are left out.  In the word modes a paragraph that needs more
    than one line keeps one space of several.
    """
    text = paragraph.strip()
    width = measurer.measure(text)
    if width <= max_width_px:
        yield Line(text, width)
        return
    if mode != "character":
        text = re.sub("[ \t]+", " ", text)
    yield from _Paragraph(text, measurer, max_width_px).lines(mode)


class _Paragraph:
    """A paragraph under way.  Places to break are numbered by the cluster that follows them."""

    def __init__(self, text: str, measurer: TextMeasurer, max_width_px: int) -> None:
        self._measurer = measurer
        self._profile = measurer.profile
        self._max_width = max_width_px
        self._hyphen_width = measurer.measure(HYPHEN)
        self._units = self._whole_units(text)
        widths = map(measurer.widths.__getitem__, self._units)
        self._sums = list(accumulate(widths, initial=0))

    def _whole_units(self, text: str) -> Sequence[str]:
        """The clusters of a text; one wider than a whole line comes apart into its characters."""
        units = graphemes(text)
        widths = self._measurer.widths
        if isinstance(units, str) or all(widths[unit] <= self._max_width for unit in units):
            return units
        return [
            part for unit in units for part in (unit if widths[unit] > self._max_width else [unit])
        ]

    def lines(self, mode: BreakMode) -> Iterator[Line]:
        choose = {
            "character": self._fill,
            "word": self._between_words_or_fill,
            "strict-word": self._between_words,
        }[mode]
        units, sums = self._units, self._sums
        start, last = 0, len(units)
        while start < last:
            if start + 1 == last or sums[last] - sums[start] <= self._max_width:
                stop, hyphenated = last, False
            else:
                end = bisect_right(sums, sums[start] + self._max_width, start + 1) - 1
                stop, hyphenated = choose(start, max(end, start + 1))
            text = "".join(units[start:stop]).strip() + (HYPHEN if hyphenated else "")
            yield Line(text, self._measurer.measure(text), hyphenated)
            start = stop
            while start < last and units[start].isspace():
                start += 1

    def _fill(self, start: int, end: int) -> tuple[int, bool]:
        """Where to end a line that holds at most the clusters before ``end``; and with a hyphen?"""
        passed_over = 0
        for place in range(end, start, -1):
            if not self._marks_allow(place):
                passed_over += 1
                if passed_over > MAX_SHIFT:
                    break
            elif not self._needs_hyphen(place):
                return place, False
            elif place - start < self._profile.min_chars_before_hyphen:
                break
            elif self._sums[place] - self._sums[start] + self._hyphen_width <= self._max_width:
                return place, True
        return end, False

    def _between_words_or_fill(self, start: int, end: int) -> tuple[int, bool]:
        place = self._last_between_words(start, end)
        return (place, False) if place else self._fill(start, end)

    def _between_words(self, start: int, end: int) -> tuple[int, bool]:
        place = self._last_between_words(start, end)
        if not place:
            place = end + 1
            while place < len(self._units) and not self._between(place):
                place += 1
        return place, False

    def _last_between_words(self, start: int, end: int) -> int:
        """The last place between words up to ``end``, one the marks allow if possible; or 0."""
        fallback = passed_over = 0
        for place in range(end, start, -1):
            if self._between(place):
                if self._marks_allow(place):
                    return place
                fallback = fallback or place
                passed_over += 1
                if passed_over > MAX_SHIFT:
                    break
        return fallback

    def _between(self, place: int) -> bool:
        before, after = self._units[place - 1], self._units[place]
        return (
            _is_space(before) or _is_space(after) or _stands_alone(before) or _stands_alone(after)
        )

    def _marks_allow(self, place: int) -> bool:
        """Whether neither the line that ends here nor the one that starts here looks wrong."""
        units = self._units
        before, after = place - 1, place
        while units[before].isspace():
            before -= 1
        while units[after].isspace():
            after += 1
        return (
            units[after][0] not in self._profile.no_line_start
            and units[before][0] not in self._profile.no_line_end
        )

    def _needs_hyphen(self, place: int) -> bool:
        before, after = self._units[place - 1], self._units[place]
        return not (
            before.isspace()
            or after.isspace()
            or before[0] in _BREAKS_WITHOUT_HYPHEN
            or _stands_alone(before)
            or _stands_alone(after)
            or _NEVER_IN_A_WORD.match(before)
            or _NEVER_IN_A_WORD.match(after)
        )


def _is_space(unit: str) -> bool:
    return unit.isspace() and unit not in _NO_BREAK_SPACES


def _stands_alone(unit: str) -> bool:
    """Whether a cluster is a word of its own, as each Chinese or Japanese character is."""
    return script_of(unit[0]) in _WORD_SCRIPTS_WITHOUT_SPACES
