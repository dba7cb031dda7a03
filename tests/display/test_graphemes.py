"""What counts as one character."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.display import graphemes as module
from mentra_sync.display.graphemes import graphemes

# Checked against ICU's segmenter; a bar stands between two clusters.
DIVIDED = [
    "a|b|c",
    "e\u0301|a\u0302\u0323|x",
    "👍🏽|👩‍👩‍👧‍👦|❤️|☀",
    "🇩🇪|🇫🇷|🇮",
    "1\ufe0f\u20e3|2",
    "한|국|\u1112\u1161\u11ab|\u1100\uac00\u11a8|a|\u11a8\u11a8",
    "か\u3099|は\u309a|ｶﾞ|ン",
    "क्षि|न",
    "র্\u200dয|ম",
    "ก\u0e33|น้",
    "\u06001|2",
    "\r\n|\n|\t|\u200b|a",
    "中|，|文",  # noqa: RUF001
    "🏳️‍🌈|🚀|🚀",
    "\u0301|\n|\u0301",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f|a",
]


@pytest.mark.parametrize("divided", DIVIDED, ids=ascii)
def test_clusters_are_those_of_unicode(divided: str) -> None:
    assert list(graphemes(divided.replace("|", ""))) == divided.split("|")


@given(st.text())
def test_clusters_make_up_the_text(text: str) -> None:
    assert "".join(graphemes(text)) == text


@given(
    st.text(st.sampled_from("ae\u0301👍🏽👩\u200d🇩🇪한\u1112\u1161\u11abक\u094dष\u06dd\r\n\u200b中"))
)
def test_the_quick_look_and_the_pattern_agree(text: str) -> None:
    assert list(graphemes(text)) == module._cluster_pattern().findall(text)


def test_no_mark_is_taken_for_a_character_that_stands_alone() -> None:
    alone = (code for code in range(0x110000) if module._ALONE.fullmatch(chr(code)))
    assert [code for code in alone if unicodedata.category(chr(code))[0] == "M"] == []
