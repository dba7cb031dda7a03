"""Texts of many scripts to wrap, and what the official SDK made of them.

``official_wrap.json`` holds some of these texts with the official SDK's lines, so that they can
be compared without it.  To make it again::

    python tests/display/wrap_corpus.py NODE_MODULES
"""

# ruff: noqa: RUF001 - the look-alikes of other scripts are the point here

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
FROZEN = HERE / "official_wrap.json"
FROZEN_TEXTS = 720
MODES = ("character", "word", "strict-word")

WORDS = {
    "latin": "a in of the and you with turn left after bridge station platform minutes weather "
    "tomorrow umbrella don't it's 12:45 3.14 $5 100% e.g. Mr. well-known re-entry "
    "internationalisation",
    "long": "example.com/maps/route-7/stops Donaudampfschifffahrtsgesellschaft "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0123456789012345678901234567890",
    "marks": 'yes! no? (well) [see] {here} "so," he: no; ... -- - / (a "b ( ) ! ? «oui» — –',
    "accents": "déjà façade über größer señor naïve crème Łódź žluťoučký αβγ λόγος",
    "cyrillic": "привет мир поверните налево через сто метров Київ і станция",
    "chinese": "前面 左转 车站 在 右边 你好 请 等一下 明天 天气 很好",
    "chinese marks": "你好， 世界。 （车站） 「左转」 是吗？ 等等！ 第一：前面； 【注意】",
    "japanese": "こんにちは ありがとう 駅 は どこ ですか カメラ テスト ひだりへ まがる",
    "korean": "안녕하세요 세계 왼쪽으로 가세요 다음 역 날씨",
    "other": "שלום مرحبا สวัสดี ½ € © ±",
    "emoji": "😀 👍 ☀️ ❤️ 👍🏽 👩‍👩‍👧‍👦 🇩🇪 🇫🇷🇮🇹 1️⃣ 🚀🚀🚀🚀",
    "combining": "e\u0301te\u0301 n\u0303an\u0303a o\u0308ffnen a\u0328\u0301 が は\u309aん",
}
MIXES = (
    *(("latin",),) * 5,
    ("latin", "long"),
    ("latin", "marks"),
    ("latin", "accents", "marks"),
    ("cyrillic",),
    ("cyrillic", "marks"),
    ("chinese",),
    ("chinese", "chinese marks"),
    ("chinese", "latin"),
    ("japanese",),
    ("japanese", "chinese marks", "latin"),
    ("korean",),
    ("korean", "latin", "marks"),
    ("other", "latin"),
    ("emoji", "latin"),
    ("combining", "latin"),
    tuple(WORDS),
)
JOINS = (*(" ",) * 12, "  ", "\t", "", ", ", ". ", "\n", "\n\n")


class Case(NamedTuple):
    """One call of the wrapper."""

    text: str
    width_px: int
    mode: str
    max_lines: int
    max_bytes: int


class Official(NamedTuple):
    """What the official wrapper made of it: all lines, by paragraph, and how many it kept."""

    paragraphs: list[list[str]]
    kept: int
    cut: bool


def cases(texts: int, *, seed: int, longest: int) -> list[Case]:
    """Each of some random texts of up to ``longest`` words, in all three modes."""
    made = []
    chance = random.Random(seed)
    for _ in range(texts):
        text = "".join(_words(chance, longest))
        width = chance.choice((60, 100, 150, 200, 288, 420, 576))
        max_lines = chance.choice((1, 2, 3, 5, 5, 1000))
        max_bytes = chance.choice((20, 60, 390, 390, 100_000))
        made += [Case(text, width, mode, max_lines, max_bytes) for mode in MODES]
    return made


def _words(chance: random.Random, longest: int) -> Iterator[str]:
    mix = chance.choice(MIXES)
    spaceless = mix[0] in ("chinese", "japanese")
    for _ in range(chance.randint(1, longest)):
        yield chance.choice(WORDS[chance.choice(mix)].split(" "))
        join = chance.choice(JOINS)
        yield "" if spaceless and join == " " else join


def ask_official(asked: list[Case], node_modules: Path) -> list[Official]:
    """What the official SDK in ``node_modules`` answers."""
    done = subprocess.run(
        ["node", str(HERE / "official_wrap.mjs"), str(node_modules)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return [Official(*answer) for answer in json.loads(done.stdout)]


def frozen() -> list[tuple[Case, Official]]:
    """The corpus that is kept in a file."""
    pairs = []
    for text, width, max_lines, max_bytes, answers in json.loads(FROZEN.read_text("utf-8")):
        for mode, answer in zip(MODES, answers, strict=True):
            if isinstance(answer, int):
                answer = answers[answer]
            lines, kept, cut = answer
            paragraphs = [part.split("\n") for part in lines.split("\f")]
            case = Case(text, width, mode, max_lines, max_bytes)
            pairs.append((case, Official(paragraphs, kept, bool(cut))))
    return pairs


def freeze(node_modules: Path) -> None:
    """Write the file: texts with limits, and an answer for each mode or the number of its twin."""
    asked = cases(FROZEN_TEXTS, seed=2026, longest=9)
    answers = [
        ["\f".join("\n".join(lines) for lines in answer.paragraphs), answer.kept, int(answer.cut)]
        for answer in ask_official(asked, node_modules)
    ]
    rows = []
    for first in range(0, len(asked), len(MODES)):
        of_modes = answers[first : first + len(MODES)]
        case = asked[first]
        rows.append([case.text, case.width_px, case.max_lines, case.max_bytes, _twins(of_modes)])
    text = "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"
    # The official wrapper leaves halves of surrogate pairs, which no UTF-8 file can hold.
    text = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)
    FROZEN.write_text(text, "utf-8")


def _twins(answers: list[list[object]]) -> list[object]:
    places = [answers.index(answer) for answer in answers]
    return [
        answer if place == number else place
        for number, (answer, place) in enumerate(zip(answers, places, strict=True))
    ]


if __name__ == "__main__":
    freeze(Path(sys.argv[1]))
