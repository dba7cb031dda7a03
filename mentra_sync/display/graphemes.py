"""What a reader takes for one character: a letter with its accents, an emoji of many parts.

The rules are those of Unicode's Annex 29 for extended grapheme clusters.  The standard library
has no such thing; ``regex`` and ``grapheme`` on PyPI do, but the first brings a compiled wheel
to every install for one pattern, and the second is a loop in Python that takes some
microseconds a character.  Here one pattern of the standard ``re`` does it, built from
``unicodedata`` on the first text that needs it (some 15 ms, once); most texts, also Chinese
and Japanese ones, never do, because a quick look shows that each character stands alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

_ALONE = re.compile(
    "[\x00-\x0c\x0e-\u02ff\u0370-\u0482\u048a-\u0590\u05d0-\u05ea\u0620-\u064a\u1e00-\u200a"
    "\u2010-\u2027\u202f-\u205e\u2070-\u20cf\u2100-\u2bff\u3000-\u3029\u3030-\u3098\u309b-\ua48f"
    "\uac00-\ud7a3\uf900-\ufaff\uff00-\uff9d\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa"
    "\U0001f400-\U0001faff\U00020000-\U0003fffd]*"
)
"""Text in which no character ever joins another: no marks, joiners, flags or loose jamo."""

_CONTROLS = r"\x00-\x1f\x7f-\x9f\u200b\u2028\u2029"
_PREFIXES = r"\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2"
_JOINED_TO_THE_LEFT = "\u0e33\u0eb3\u200c\u200d\uff9e\uff9f"
_SKIN_TONES = "\U0001f3fb-\U0001f3ff"
_TAGS = "\U000e0020-\U000e007f"
_FLAG_LETTER = "[\U0001f1e6-\U0001f1ff]"
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf"
    "\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5"
    "\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
)
_LEADING_JAMO = "[\u1100-\u115f\ua960-\ua97c]"
_VOWEL_JAMO = "[\u1160-\u11a7\ud7b0-\ud7c6]"
_TRAILING_JAMO = "[\u11a8-\u11ff\ud7cb-\ud7fb]"
_SYLLABLE = "[\uac00-\ud7a3]"
_LINKERS = "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d"
"""The viramas that tie two consonants of an Indic script into one conjunct."""
_CONSONANT = (
    "[\u0915-\u0939\u0958-\u095f\u0978-\u097f\u0995-\u09b9\u09dc-\u09df\u09f0\u09f1"
    "\u0a95-\u0ab9\u0af9\u0b15-\u0b39\u0b5c-\u0b5f\u0b71\u0c15-\u0c39\u0c58-\u0c5a\u0d15-\u0d3a]"
)


def graphemes(text: str) -> Sequence[str]:
    """The grapheme clusters of ``text``, in order; joined they are ``text`` again.

    Where every character stands alone the text itself is the answer, for it is a sequence of
    its characters already.
    """
    if (text.isascii() and "\r" not in text) or _ALONE.fullmatch(text):
        return text
    return _cluster_pattern().findall(text)


@lru_cache(maxsize=1)
def _cluster_pattern() -> re.Pattern[str]:
    marks = _ranges(code for code in _mark_codes() if chr(code) not in _LINKERS)
    extending = f"{marks}{_JOINED_TO_THE_LEFT}{_SKIN_TONES}{_TAGS}"
    attached = f"[{extending}{_LINKERS}]*"
    # Each repetition has one way to match only, so no text makes the pattern go back far.
    cores = (
        _FLAG_LETTER * 2,
        f"{_PICTURE}(?:{attached}\u200d{_PICTURE})*",
        f"{_LEADING_JAMO}*(?:{_SYLLABLE}|{_VOWEL_JAMO}){_VOWEL_JAMO}*{_TRAILING_JAMO}*",
        f"{_LEADING_JAMO}+",
        f"{_TRAILING_JAMO}+",
        f"{_CONSONANT}(?:[{extending}]*[{_LINKERS}]{attached}{_CONSONANT})*",
        f"[^{_CONTROLS}]",
    )
    return re.compile(f"\r\n|[{_CONTROLS}]|[{_PREFIXES}]*(?:{'|'.join(cores)}){attached}")


def _mark_codes() -> Iterable[int]:
    """All combining marks; none lies among the ideographs and syllables left out here."""
    for block in (range(0x300, 0x3400), range(0xA000, 0xAC00), range(0xFB00, 0x20000)):
        yield from (code for code in block if unicodedata.category(chr(code))[0] == "M")
    yield from range(0xE0100, 0xE01F0)


def _ranges(codes: Iterable[int]) -> str:
    """The inside of a character class that holds ``codes``, which come in ascending order."""
    parts: list[str] = []
    first = last = -2
    for code in codes:
        if code != last + 1:
            if last >= 0:
                parts.append(f"{chr(first)}-{chr(last)}")
            first = code
        last = code
    parts.append(f"{chr(first)}-{chr(last)}")
    return "".join(parts)
