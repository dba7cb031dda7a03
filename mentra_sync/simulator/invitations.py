"""Invitations of other devices: tokens that work once, and the sessions they are changed for."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from mentra_sync.simulator import limits


class TooManyGuesses(Exception):
    """Somebody has shown so many wrong tokens that none of theirs is looked at for a while."""


class Invitations:
    """Gives out tokens, takes each of them once, and knows who came in by one.

    Every method may be called from any thread.
    """

    def __init__(
        self, secret: str | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """``secret`` signs sessions: who was let in under the same one is still in."""
        self._secret = (secret or secrets.token_urlsafe(32)).encode()
        self._now = now
        self._lock = threading.Lock()  # guards the next two, both in the order of their making
        self._tokens: dict[str, float] = {}  # until when each is good
        self._guesses: dict[str, list[float]] = {}  # when each peer was wrong

    def invite(self) -> str:
        """A token that is good once, for ten minutes."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            _make_room(self._tokens, limits.MAX_INVITATIONS)
            self._tokens[token] = self._now() + limits.INVITATION_SECONDS
        return token

    def redeem(self, token: str, peer: str) -> str | None:
        """Change a token for a session; None for one that is wrong, used or too old.

        ``peer`` is the address of whoever shows it.  Raises TooManyGuesses.
        """
        with self._lock:
            now = self._now()
            wrong = [at for at in self._guesses.get(peer, ()) if now - at < limits.GUESS_SECONDS]
            if len(wrong) >= limits.MAX_GUESSES:
                raise TooManyGuesses
            known = _find(token, self._tokens)
            if known is None or self._tokens.pop(known) <= now:
                self._guesses.pop(peer, None)
                _make_room(self._guesses, limits.MAX_GUESSING_PEERS)
                self._guesses[peer] = [*wrong, now]
                return None
        name = secrets.token_urlsafe(16)
        return f"{name}.{self._signature(name)}"

    def admits(self, session: str) -> bool:
        """Whether somebody was given this session."""
        name, _, signature = session.partition(".")
        return _same(signature, self._signature(name))

    def _signature(self, name: str) -> str:
        return hmac.digest(self._secret, name.encode("utf-8", "replace"), "sha256").hex()


def _find(shown: str, secrets_known: Iterable[str]) -> str | None:
    """The secret that is shown, if it is one; looks at all, in a time that tells nothing."""
    found = None
    for known in secrets_known:
        if _same(shown, known):
            found = known
    return found


def _same(shown: str, known: str) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "replace"), known.encode())


def _make_room(register: dict[str, Any], most: int) -> None:
    """Forget the oldest, so that one more is ``most`` at most."""
    while len(register) >= most:
        del register[next(iter(register))]
