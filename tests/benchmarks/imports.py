"""How long importing takes: ``python tests/benchmarks/imports.py``.

Each import is a process of its own, and its processor time is taken, the start of Python included.
The kinds take turns, so that whatever else the machine does meets all of them.  Told is the median
of each, and its ratio to what the package stands on:
``import mentra_sync`` should take at most 1.25 times, ``from mentra_sync import AppServer`` at
most 1.6 times as long as importing Flask, requests and websocket-client.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

RUNS = 25
FLOOR = "import flask, requests, websocket"
TARGETS = {
    "import mentra_sync": 1.25,
    "from mentra_sync import AppServer": 1.6,
}


def milliseconds(program: str) -> float:
    """How long a Python has the processor that runs this and ends."""
    timed = f"{program}\nimport time\nprint(time.process_time())"
    done = subprocess.run(
        [sys.executable, "-c", timed], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout) * 1000


def main() -> None:
    """Measure, and print one line for each."""
    programs = ["pass", FLOOR, *TARGETS]
    for program in programs:
        milliseconds(program)  # writes and warms the caches
    times: dict[str, list[float]] = {program: [] for program in programs}
    for _ in range(RUNS):
        for program in programs:
            times[program].append(milliseconds(program))
    medians = {program: statistics.median(measured) for program, measured in times.items()}
    for program, median in medians.items():
        ratio = median / medians[FLOOR]
        target = f", at most {TARGETS[program]:.2f}x" if program in TARGETS else ""
        print(f"{program:36} {median:7.1f} ms  {ratio:5.2f}x{target}")


if __name__ == "__main__":
    main()
