"""How long wrapping takes, by length and kind of text: ``python tests/benchmarks/wrap.py``.

10,000 characters should take less than 10 ms, and ten times the text ten times the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle, islice

from mentra_sync.display import G1, UNLIMITED, wrap
from mentra_sync.display.breaks import BREAK_MODES, BreakMode

LENGTHS = (100, 1_000, 10_000, 100_000)
RUNS = 7
TEXTS = {
    "English": "The quick brown fox jumps over the lazy dog, then (tired) rests a while. ",
    "one word": "abcdefghijklmnopqrstuvwxyz",
    "short lines": "ab\n",
    "Chinese": "前面左转，车站在右边。明天天气很好！",  # noqa: RUF001
    "emoji": "Go 👍🏽 👩‍👩‍👧‍👦 or 🇩🇪 cafe\u0301 ",
    "only marks": "((.,",
}


def milliseconds(text: str, mode: BreakMode) -> float:
    """The best of some runs: what the work takes when nothing else disturbs."""

    def run() -> object:
        return wrap(text, profile=G1, max_lines=UNLIMITED, max_bytes=UNLIMITED, break_mode=mode)

    return min(_seconds(run) for _ in range(RUNS)) * 1000


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Print a table of milliseconds."""
    print(f"{'milliseconds for characters':28}" + "".join(f"{n:>10,}" for n in LENGTHS))
    for name, sample in TEXTS.items():
        for mode in BREAK_MODES:
            texts = ("".join(islice(cycle(sample), length)) for length in LENGTHS)
            times = "".join(f"{milliseconds(text, mode):10.2f}" for text in texts)
            print(f"{name:14}{mode:14}{times}")


if __name__ == "__main__":
    main()
