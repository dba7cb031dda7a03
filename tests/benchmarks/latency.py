"""From the cloud's send to the frame that a callback sends back, at 200 frames a second.

    python tests/benchmarks/latency.py [frames]

The floor does the same round trip with websocket-client and json alone.  Printed in ms.
"""

from __future__ import annotations

import json
import statistics
import sys

import websocket
from peer import Peer, start_session

from mentra_sync import AppServer

RATE = 200.0


def floor(frames: int) -> list[float]:
    """recv, json.loads, json.dumps, send."""
    peer = Peer("echoes", frames, RATE, False)
    client = websocket.create_connection(peer.url, skip_utf8_validation=True)
    client.send("go")
    for _ in range(frames):
        text = json.loads(client.recv())["data"]["text"]
        client.send(json.dumps({"type": "display_event", "layout": {"text": text}}))
    result: list[float] = peer.result()
    client.close()
    peer.join()
    return result


def through_the_sdk(frames: int) -> list[float]:
    """A handler that shows what was said."""
    peer = Peer("echoes", frames, RATE, True)

    def main(session: object) -> None:
        show = session.layouts.show_text_wall  # type: ignore[attr-defined]
        session.events.on_transcription(lambda data: show(data.text))  # type: ignore[attr-defined]

    app = AppServer(
        "com.example.benchmark",
        "key",
        port=0,
        host="127.0.0.1",
        display_interval_ms=0,
        on_session=main,
    )
    with app:
        start_session(app.port, peer)
        result: list[float] = peer.result()
    peer.join()
    return result


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for name, run in (("floor", floor), ("SDK", through_the_sdk)):
        took = sorted(1000 * seconds for seconds in run(frames))
        ninety_nine = took[int(len(took) * 0.99)]
        print(f"{name:6} median {statistics.median(took):6.3f} ms   99th {ninety_nine:6.3f} ms")


if __name__ == "__main__":
    main()
