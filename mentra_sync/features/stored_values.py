"""What a user has in simple storage: what the cloud holds, and what is still to be sent to it.

No thread and no request here: who owns a :class:`StoredValues` guards it with a lock of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mentra_sync import config, hints
from mentra_sync.protocol.codec import clean_text, dumps


@dataclass(frozen=True)
class Write:
    """A value that was set and has not reached the cloud yet."""

    value: str
    number: int
    """Writes are counted; of two for one key, the one with the higher number is newer."""
    since: float
    """The moment since which the key waits to be sent."""


class StoredValues:
    """One user's values, as the app sees them: unsent ones stand above those in the cloud.

    A write stays unsent until the cloud has it, so that nothing is lost by a failure; it is only
    confirmed or forgotten by its number, so that a newer write is never lost by an older one.
    """

    def __init__(self) -> None:
        self._stored: dict[str, str] | None = None
        self._unsent: dict[str, Write] = {}
        self._number = 0

    # --- Reading ------------------------------------------------------------------------------

    @property
    def loaded(self) -> bool:
        """Whether it is known what the cloud holds."""
        return self._stored is not None

    def get(self, key: str) -> str | None:
        """The value of a key, or None."""
        write = self._unsent.get(key)
        return (self._stored or {}).get(key) if write is None else write.value

    def unsent_value(self, key: str) -> str | None:
        """The value of a key if it is still to be sent: known without asking the cloud."""
        write = self._unsent.get(key)
        return None if write is None else write.value

    def view(self) -> dict[str, str]:
        """All values."""
        return {
            **(self._stored or {}),
            **{key: write.value for key, write in self._unsent.items()},
        }

    def has_below(self, key: str) -> bool:
        """Whether there are keys that the cloud keeps inside this one, and would delete with it."""
        return any(other.startswith(f"{key}.") for other in self.view())

    # --- Changing -----------------------------------------------------------------------------

    def load(self, data: Mapping[str, Any]) -> None:
        """Take in what the cloud holds."""
        self._stored = flattened(data)

    def set(self, values: Mapping[str, str], now: float) -> None:
        """Set values, to be sent later: all of them, or none when one raises ``ValueError``."""
        before = self.view()
        after = {**before, **values}
        if len(after) > len(before):
            _check_places(values.keys() - before.keys(), after)
        size = _size(after)
        # What is too much already may at least become less.
        if size > config.MAX_STORAGE_BYTES and size > _size(before):
            raise ValueError(hints.STORAGE_FULL.format(size, config.MAX_STORAGE_BYTES))
        for key, value in values.items():
            self._number += 1
            before_it = self._unsent.get(key)
            since = now if before_it is None else before_it.since
            self._unsent[key] = Write(value, self._number, since)

    @property
    def number(self) -> int:
        """The number of the newest write; a deletion beats those up to it."""
        return self._number

    def forget(self, key: str, up_to: int) -> None:
        """The cloud has deleted a key: so does this, unless it was set after write ``up_to``."""
        if self._stored is not None:
            self._stored.pop(key, None)
        write = self._unsent.get(key)
        if write is not None and write.number <= up_to:
            del self._unsent[key]

    def forget_all(self, up_to: int) -> None:
        """The cloud has deleted everything: so does this, up to a write."""
        self._stored = {}
        self._unsent = {key: write for key, write in self._unsent.items() if write.number > up_to}

    # --- Sending ------------------------------------------------------------------------------

    @property
    def unsent_keys(self) -> list[str]:
        """The keys whose values are still to be sent, in the order of the alphabet."""
        return sorted(self._unsent)

    @property
    def unsent_since(self) -> float | None:
        """The moment since which the first of them waits, or None."""
        return min((write.since for write in self._unsent.values()), default=None)

    def unsent(self, up_to: int) -> dict[str, Write]:
        """What is still to be sent, a copy; what is newer than write ``up_to`` is left out."""
        return {key: write for key, write in self._unsent.items() if write.number <= up_to}

    def confirm(self, sent: Mapping[str, Write]) -> None:
        """The cloud has these now."""
        if self._stored is not None:
            self._stored.update((key, write.value) for key, write in sent.items())
        self.give_up(sent)

    def give_up(self, writes: Mapping[str, Write]) -> None:
        """Send these no more; newer ones of the same keys stay."""
        for key, write in writes.items():
            if self._unsent.get(key) is write:
                del self._unsent[key]

    def put_last(self, key: str) -> None:
        """Send a key after all others, if at all."""
        write = self._unsent.pop(key, None)
        if write is not None:
            self._unsent[key] = write


# --- Keys and values -------------------------------------------------------------------------


def checked_key(key: object) -> str:
    """The key, if it can be one; raises ``TypeError`` or ``ValueError`` that says why not."""
    if not isinstance(key, str):
        raise TypeError(f"a key must be a string, got {key!r:.80}")
    if not key or len(key) > config.MAX_KEY_CHARACTERS:
        raise ValueError(
            f"a key must have 1 to {config.MAX_KEY_CHARACTERS} characters, got {len(key)}"
        )
    if not all(key.split(".")):
        raise ValueError(
            f'a key may have dots inside, as "game.score", but not at an end or side by side;'
            f" got {key!r:.80}"
        )
    if "\0" in key or clean_text(key) != key:
        raise ValueError(f"a key must be text that can be sent, got {key!r:.80}")
    return clean_text(key)


def checked_value(key: str, value: object) -> str:
    """The value, if it can be stored; raises ``TypeError`` or ``ValueError`` that says why not."""
    if not isinstance(value, str):
        raise TypeError(hints.VALUE_NO_TEXT.format(key, type(value).__name__))
    if len(value) > config.MAX_VALUE_CHARACTERS:
        raise ValueError(hints.VALUE_TOO_LONG.format(key, len(value), config.MAX_VALUE_CHARACTERS))
    return clean_text(value)


def _check_places(new: Iterable[str], keys: Mapping[str, str]) -> None:
    """The cloud keeps ``a.b`` inside ``a``, so there cannot be both; ``ValueError`` if there are.

    It would not store the one, or would lose the other.
    """
    inside = {above: key for key in keys for above in _above(key)}
    for key in new:
        other = inside.get(key) or next((above for above in _above(key) if above in keys), None)
        if other is not None:
            raise ValueError(hints.KEYS_IN_THE_WAY.format(key, other))


def _above(key: str) -> Iterator[str]:
    """The keys that this one would be inside of: ``a`` and ``a.b`` for ``a.b.c``."""
    dot = key.find(".")
    while dot >= 0:
        yield key[:dot]
        dot = key.find(".", dot + 1)


def flattened(data: Mapping[str, Any]) -> dict[str, str]:
    """Values by their keys: the cloud keeps ``a.b`` as ``{"a": {"b": ...}}``.

    What is no text (some other program stored it) becomes its JSON; null is no value.
    """
    flat: dict[str, str] = {}
    # A stack, since the cloud decides how deep it goes; reversed, to keep the order.
    left = list(data.items())[::-1]
    while left:
        key, value = left.pop()
        if isinstance(value, Mapping):
            left += [(f"{key}.{inner}", item) for inner, item in list(value.items())[::-1]]
        elif value is not None:
            flat[key] = value if isinstance(value, str) else dumps(value)
    return flat


def _size(values: Mapping[str, str]) -> int:
    """Bytes of keys and values."""
    return sum(_bytes(key) + _bytes(value) for key, value in values.items())


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
