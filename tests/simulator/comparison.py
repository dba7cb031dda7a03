"""Puts what two clouds have sent side by side, and says in words where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any

from recording import Seen

TOLERANCE = 0.15
"""How far apart (s) the same thing may be in two clouds."""

NEAR = 1.5
"""How far apart (s) what has the same name still stands for the same thing."""

APART = 0.1
"""What was so far apart (s) in one cloud has the same order in the other, on all ways of an
end together; on one socket the order is always the same."""

_UNCOUNTED = "app_state_change"
"""Says only that something has changed; the recorded cloud says so any number of times."""

_MICROPHONE = "microphone_state_change"
"""Comes seconds late and again and again there: the states are compared, not the frames."""


def differences(recorded: list[Seen], ours: list[Seen]) -> list[str]:
    """What is not alike, one line for each thing."""
    found = []
    pairs: list[tuple[Seen, Seen]] = []
    theirs, mine = _by_channel(recorded), _by_channel(ours)
    for channel in dict.fromkeys([*theirs, *mine]):
        for a, b in _aligned(theirs.get(channel, []), mine.get(channel, [])):
            if b is None:
                found.append(f"{channel}: missing {_named(a)}")
            elif a is None:
                found.append(f"{channel}: extra {_named(b)}")
            else:
                pairs.append((a, b))
                found += [f"{channel}: {a.label}: {text}" for text in _unlike(a.content, b.content)]
                late = b.t - a.t
                if abs(late) > TOLERANCE and not a.label.startswith("microphone"):
                    found.append(f"{channel}: {_named(a)} came {late:+.1f} s")
    return [*found, *_disorder(pairs)]


def _named(one: Seen | None) -> str:
    assert one is not None
    return f"{one.label} at {one.t:.1f}"


def _by_channel(seen: list[Seen]) -> dict[str, list[Seen]]:
    channels: dict[str, list[Seen]] = {}
    for one in seen:
        if one.label == _UNCOUNTED:
            continue
        channel = one.channel
        if one.label == "ping":
            channel += " pings"
        elif one.label == _MICROPHONE:
            channel = "glasses microphone"
            state = one.content
            words = [state["isMicrophoneEnabled"], *state["requiredData"], state["bypassVad"]]
            label = " ".join(["microphone", *map(str, words)])
            one = Seen(one.t, channel, label, None, one.order)
        channels.setdefault(channel, []).append(one)
    states = channels.get("glasses microphone", [])
    if states:
        channels["glasses microphone"] = [
            next(same) for _, same in groupby(states, lambda one: one.label)
        ]
    return channels


def _aligned(theirs: list[Seen], mine: list[Seen]) -> Iterator[tuple[Seen | None, Seen | None]]:
    """What stands for the same thing in both, and what has no counterpart."""
    left = list(mine)
    for one in theirs:
        found = next((other for other in left if _alike(one, other)), None)
        if found is not None:
            left.remove(found)
        yield one, found
    yield from ((None, one) for one in left)


def _alike(theirs: Seen, mine: Seen) -> bool:
    near = abs(theirs.t - mine.t) < NEAR or theirs.label.startswith("microphone")
    return theirs.label == mine.label and near


def _unlike(theirs: Any, mine: Any, path: str = "") -> Iterator[str]:
    """Where two contents differ."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        for name in dict.fromkeys([*theirs, *mine]):
            where = f"{path}.{name}".lstrip(".")
            if name not in mine:
                yield f"{where} is missing, there it is {theirs[name]!r}"
            elif name not in theirs:
                yield f"{where} is extra: {str(mine[name])[:60]!r}"
            else:
                yield from _unlike(theirs[name], mine[name], where)
    elif isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine):
        for number, (a, b) in enumerate(zip(theirs, mine, strict=True)):
            yield from _unlike(a, b, f"{path}[{number}]")
    elif theirs != mine:
        yield f"{path} is {str(mine)[:60]!r}, there {str(theirs)[:60]!r}"


def _disorder(pairs: list[tuple[Seen, Seen]]) -> Iterator[str]:
    """What one end saw in another order: on one socket, or on all its ways together."""
    ways: dict[str, list[tuple[Seen, Seen]]] = {}
    for pair in pairs:
        if not pair[0].label.startswith(("microphone", "ping")):
            ways.setdefault(pair[0].channel, []).append(pair)
            ways.setdefault(f"{pair[0].channel.split()[0]} as a whole", []).append(pair)
    for way, both in ways.items():
        both.sort(key=lambda pair: pair[0].order)
        for (a, ours), (b, later) in pairwise(both):
            apart = b.t - a.t if way.endswith("as a whole") else APART
            if apart >= APART and later.order < ours.order:
                yield f"{way}: {_named(b)} before {_named(a)}"
