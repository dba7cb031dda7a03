"""What a failed test tells of its glasses: shown, spoken, listened to, missed, and raised."""

from __future__ import annotations

from collections.abc import Iterator

from mentra_sync.simulator.lens import Shown
from mentra_sync.testing.pair import Pair
from mentra_sync.testing.simulated_glasses import SimulatedGlasses

_MOST = 20
"""The newest so many of each kind are told."""


def tell(glasses: SimulatedGlasses) -> str:
    """The section of a report, without its title."""
    return "\n".join(_lines(glasses))


def _lines(glasses: SimulatedGlasses) -> Iterator[str]:
    if not glasses.started:
        yield "No app was started: glasses.start(MyApp)"
        return
    yield f"The app {glasses.app.package_name} after {glasses.time:.2f} s (session time)"
    if glasses.expectations.last is not None:
        yield f"Last expectation: {glasses.expectations.last}"
    for pair in glasses.pairs.values():
        if len(glasses.pairs) > 1:
            yield f"--- {pair.user_id}"
        yield from _pair(pair)
    for one in glasses.errors.everything():
        yield f"At {one.at:.2f} s {one}"
        yield one.traceback().rstrip()


def _pair(pair: Pair) -> Iterator[str]:
    shown = pair.lens.history
    yield "The lens showed:" if shown else "The lens showed nothing."
    yield from _newest([_shown(one) for one in shown])
    for title, seen in (("Spoken", pair.spoken), ("Played", pair.played), ("Lights", pair.lights)):
        if seen:
            yield f"{title}:"
            yield from _newest([f"  {item!r}" for item in seen])
    yield f"The app listens to: {', '.join(pair.streams) or 'nothing'}"


def _newest(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST
    return [f"  ({more} more before)", *lines[more:]] if more > 0 else lines


def _shown(shown: Shown) -> str:
    view = "" if shown.view == "main" else f" ({shown.view})"
    if shown.text:
        what = repr(shown.text)
    elif shown.layout.get("layoutType") in ("bitmap_view", "bitmap_animation"):
        what = "a picture"
    else:
        what = "nothing"
    return f"  {shown.at:8.2f} s{view}  {what}"
