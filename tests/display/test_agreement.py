"""Our lines are the official SDK's, but for its faults, each of which is named here.

The official SDK's answers come from ``official_wrap.json``, and fresh ones from the npm package
where it is installed (``MENTRA_SDK_NODE_MODULES`` names its ``node_modules``).
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest
from wrap_corpus import Case, Official, ask_official, cases, frozen

from mentra_sync.display import G1, TextMeasurer, wrap
from mentra_sync.display.graphemes import graphemes
from mentra_sync.display.measure import byte_count
from mentra_sync.display.profiles import script_of

MEASURER = TextMeasurer(G1)


def faults(case: Case, official: Official) -> set[str]:
    """What is wrong with the official SDK's lines of a text."""
    paragraphs = case.text.split("\n")
    found = set()
    for paragraph, lines in zip(paragraphs, official.paragraphs, strict=True):
        found.update(_faults_in_lines(lines, case))
        if any("\ud800" <= char <= "\udfff" for line in lines for char in line):
            found.add("half a character")
        else:
            found.update(_faults_at_breaks(paragraph.strip(), lines, case.width_px))
    return found


def _faults_in_lines(lines: list[str], case: Case) -> Iterator[str]:
    if any(byte_count(line) > case.max_bytes for line in lines):
        yield "a line of too many bytes, of which nothing is ever shown"
    if case.mode != "strict-word" and any(
        MEASURER.measure(line) > case.width_px and len(line) > 1 for line in lines
    ):
        yield "a line too wide, by its hyphen"
    if any(line != line.strip() for line in lines):
        yield "space at the start of a line"
    if any(line[0] in G1.no_line_start for line in lines[1:]):
        yield "closing mark at the start of a line"
    if any(line[-1] in G1.no_line_end for line in lines[:-1]):
        yield "opening mark at the end of a line"


def _faults_at_breaks(text: str, lines: list[str], width_px: int) -> Iterator[str]:
    """Look at the places in the text where the lines end, and where they have spaces."""
    hyphens = _added_hyphens(_squeezed(text), [_squeezed(line) for line in lines])
    assert hyphens is not None, f"{lines} are not the lines of {text!r}"
    clusters = set(accumulate(map(len, graphemes(text)), initial=0))
    places = [place for place, char in enumerate(text) if not char.isspace()]
    seen = 0
    for number, (line, hyphen) in enumerate(zip(lines, hyphens, strict=True)):
        for word in line.removesuffix("-" if hyphen else "").split()[:-1]:
            seen += len(word)
            if places[seen] == places[seen - 1] + 1:
                yield "a space where there was none"
        if number < len(lines) - 1:
            seen = len(_squeezed("".join(lines[: number + 1]))) - sum(hyphens[: number + 1])
            yield from _faults_at_break(text, places[seen], line, hyphen, width_px)
            if places[seen] not in clusters:
                yield "a character and its accent or joiner taken apart"


def _faults_at_break(text: str, at: int, line: str, hyphen: bool, width_px: int) -> Iterator[str]:
    before, after = text[at - 1], text[at]
    in_a_word = not _no_word(before) and not _no_word(after)
    if hyphen and not in_a_word:
        yield "a hyphen that is in no word"
    if hyphen and any(
        MEASURER.measure(line[:-1] + text[at:end]) <= width_px
        and (_no_word(text[end - 1]) or _no_word(text[end]))
        for end in range(at + 1, min(at + 4, len(text)))
    ):
        yield "a hyphen, where the line could end a little later without one"
    if hyphen and len(graphemes(line[:-1])) < G1.min_chars_before_hyphen:
        yield "fewer than three characters before a hyphen"
    if in_a_word and not hyphen and MEASURER.measure(line + after) <= width_px:
        yield "room left at a break inside a word"


def _added_hyphens(text: str, lines: list[str]) -> list[bool] | None:
    """Which lines of a text end in a hyphen that it has not; None if they are no lines of it."""
    if not lines:
        return None if text else []
    for hyphen in (False, True) if lines[0].endswith("-") else (False,):
        own = lines[0][:-1] if hyphen else lines[0]
        if text.startswith(own):
            others = _added_hyphens(text[len(own) :], lines[1:])
            if others is not None:
                return [hyphen, *others]
    return None


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _no_word(char: str) -> bool:
    """Whether a hyphen beside this says nothing."""
    marks = {*"-–—/\\|", *G1.no_line_start, *G1.no_line_end}  # noqa: RUF001
    symbol = 0x2190 <= ord(char) < 0x3040 or 0x1F000 <= ord(char) < 0x20000
    japanese_or_chinese = script_of(char) in ("cjk", "hiragana", "katakana")
    return char.isspace() or char in marks or symbol or japanese_or_chinese


def compare(pairs: list[tuple[Case, Official]]) -> Counter[str]:
    """How often the two differ, by the official side's fault; fails where it has none."""
    differing: Counter[str] = Counter()
    for case, official in pairs:
        ours = wrap(
            case.text,
            max_width_px=case.width_px,
            max_lines=case.max_lines,
            max_bytes=case.max_bytes,
            break_mode=case.mode,
        )
        theirs = tuple(line for lines in official.paragraphs for line in lines)
        if (ours.lines, ours.cut) == (theirs[: official.kept], official.cut):
            differing["none"] += 1
        else:
            found = faults(case, official)
            assert found, f"{case}\nours:   {ours.lines} {ours.cut}\ntheirs: {theirs} {official}"
            differing.update(found)
    return differing


def test_lines_are_those_of_the_official_sdk_but_for_its_faults() -> None:
    pairs = frozen()
    assert len(pairs) > 2000
    differing = compare(pairs)
    assert differing["none"] > 0.7 * len(pairs)


def test_plain_sentences_never_differ() -> None:
    """In Latin, Greek, Cyrillic and Korean words the official wrapper shows few faults."""
    plain = [
        (case, official)
        for case, official in frozen()
        if case.width_px >= 100
        and case.max_bytes > 100
        and all(char.isalnum() or char in " \n'" for char in case.text)
        and not any(_no_word(char) and not char.isspace() for char in case.text)
    ]
    assert len(plain) > 100
    assert compare(plain)["none"] == len(plain)


def _node_modules() -> Path | None:
    here = os.environ.get("MENTRA_SDK_NODE_MODULES") or Path(__file__).parents[2] / "node_modules"
    return Path(here) if (Path(here) / "@mentra" / "sdk").is_dir() else None


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.skipif(
    not _node_modules(), reason="MENTRA_SDK_NODE_MODULES names no folder with @mentra/sdk"
)
def test_lines_are_those_of_the_npm_package_but_for_its_faults() -> None:
    node_modules = _node_modules()
    assert node_modules
    asked = cases(1500, seed=1, longest=25)
    compare(list(zip(asked, ask_official(asked, node_modules), strict=True)))
