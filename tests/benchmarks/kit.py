"""How long a test with simulated glasses takes: start an app, say something, see the answer, end.

    python tests/benchmarks/kit.py [runs]

Printed in ms: the median and the slowest of each part. The first run, which also loads the
package, is told apart.  A whole test should take less than 100 ms.
"""

from __future__ import annotations

import statistics
import sys
import time
from itertools import pairwise

from mentra_sync import AppServer, AppSession
from mentra_sync.testing import SimulatedGlasses

PARTS = ("start", "say and see", "quiet", "an hour of minutes", "end")
COUNTED = ("start", "say and see", "quiet", "end")


class Echo(AppServer):
    """Shows what was said, and the minutes."""

    def on_session(self, session: AppSession, session_id: str, user_id: str) -> None:
        """Listen, and count."""
        show = session.layouts.show_text_wall
        session.events.on_transcription(lambda data: show(f"You said: {data.text}"))
        session.every(60, lambda: show(f"{session.user_id} is still there"))


def one_test() -> dict[str, float]:
    """The parts of one test, in ms."""
    glasses = SimulatedGlasses()
    moments = [time.perf_counter()]
    glasses.start(Echo)
    moments.append(time.perf_counter())
    glasses.say("hello")
    assert glasses.lens.wait_for("You said: hello")
    moments.append(time.perf_counter())
    glasses.check()
    moments.append(time.perf_counter())
    glasses.advance(3600)
    moments.append(time.perf_counter())
    glasses.close()
    moments.append(time.perf_counter())
    took = [1000 * (end - begin) for begin, end in pairwise(moments)]
    return dict(zip(PARTS, took, strict=True))


def main() -> None:
    """Measure, and print one line for each part."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    first = one_test()
    print(f"{'first run':20} {sum(first[name] for name in COUNTED):7.1f}")
    measured = [one_test() for _ in range(runs)]
    for name in PARTS:
        times = [one[name] for one in measured]
        print(f"{name:20} {statistics.median(times):7.1f}  slowest {max(times):7.1f}")
    whole = [sum(one[name] for name in COUNTED) for one in measured]
    print(f"{'whole test':20} {statistics.median(whole):7.1f}  slowest {max(whole):7.1f}")


if __name__ == "__main__":
    main()
