"""How many frames a second reach a handler, against a bare loop of recv and json.loads.

    python tests/benchmarks/receiving.py [frames] [rounds]

Floor and SDK take turns in one run, each fed by a process of its own with the same frames of
about 450 bytes.  Printed for each: frames a second (median of the rounds) and the ratio.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable

import websocket
from peer import Peer, start_session

from mentra_sync import AppServer

LISTENED, UNHEARD = "transcription:en-US", "transcription:fr-FR"


def floor(frames: int) -> float:
    """websocket-client and json, nothing else."""
    peer = Peer("flood", LISTENED, frames, False)
    client = websocket.create_connection(peer.url, skip_utf8_validation=True)
    client.send("go")
    json.loads(client.recv())
    began = time.perf_counter()
    count = 1
    while json.loads(client.recv())["streamType"] == LISTENED:
        count += 1
    took = time.perf_counter() - began
    client.close()
    peer.join()
    return count / took


def through_the_sdk(frames: int, stream: str) -> float:
    """The SDK: handler calls when it listens to the stream, else frames read over."""
    peer = Peer("flood", stream, frames, True)
    done = threading.Event()
    seen: list[float] = []
    count = 0

    def on_words(_: object) -> None:
        nonlocal count
        if not count:
            seen.append(time.perf_counter())
        count += 1

    def on_end(_: object) -> None:
        seen.append(time.perf_counter())
        done.set()

    def main(session: object) -> None:
        session.events.on_transcription(on_words)  # type: ignore[attr-defined]
        session.events.on_button_press(on_end)  # type: ignore[attr-defined]
        if stream == UNHEARD:
            seen.append(time.perf_counter())

    app = AppServer("com.example.benchmark", "key", port=0, host="127.0.0.1", on_session=main)
    with app:
        start_session(app.port, peer)
        assert done.wait(120), f"only {count} of {frames} frames arrived"
        dropped = app.sessions[0].events.dropped
    peer.join()
    assert dropped == 0, f"{dropped} events were dropped"
    assert stream == UNHEARD or count == frames
    return frames / (seen[-1] - seen[0])


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    runs: dict[str, Callable[[], float]] = {
        "floor: recv, json.loads": lambda: floor(frames),
        "handler calls": lambda: through_the_sdk(frames, LISTENED),
        "nobody listens": lambda: through_the_sdk(frames, UNHEARD),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            rates[name].append(run())
    bottom = statistics.median(rates["floor: recv, json.loads"])
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"{name:25} {middle:10,.0f} frames/s   {middle / bottom:5.2f} of the floor")


if __name__ == "__main__":
    main()
