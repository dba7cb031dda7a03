"""How wide a text is on a lens, in pixels, and how big in bytes."""

from __future__ import annotations

from functools import lru_cache

from mentra_sync.display.graphemes import graphemes
from mentra_sync.display.profiles import G1, Profile, script_of

MAX_REMEMBERED = 20_000
"""Characters and clusters whose width a measurer remembers; more are worked out each time."""


class TextMeasurer:
    """Measures text for one display; may be used from any thread.

    >>> TextMeasurer(G1).measure("Hello")
    40
    """

    def __init__(self, profile: Profile = G1) -> None:
        if not isinstance(profile, Profile):
            raise TypeError(
                "profile must be one of mentra_sync.display's, such as G1, Z100 or SIMULATED;"
                f" got {profile!r}"
            )
        self.profile = profile
        self.widths = _Widths(profile)

    def measure(self, text: str) -> int:
        """The width of ``text`` on one line, in pixels."""
        return sum(map(self.widths.__getitem__, text))

    def fits(self, text: str, max_width_px: int | None = None) -> bool:
        """Whether ``text`` fits on one line of ``max_width_px`` (default: the whole display)."""
        return self.measure(text) <= (
            self.profile.width_px if max_width_px is None else max_width_px
        )

    def prefix(self, text: str, max_width_px: int) -> str:
        """The longest beginning of ``text`` that fits, whole graphemes only; maybe empty."""
        taken = []
        room = max_width_px
        for cluster in graphemes(text):
            room -= self.widths[cluster]
            if room < 0:
                break
            taken.append(cluster)
        return "".join(taken)


class _Widths(dict[str, int]):
    """Width by character or cluster, filled as they are met.

    Two threads may work out the same entry at once; they write the same value.
    """

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile.char_widths)
        self._profile = profile

    def __missing__(self, unit: str) -> int:
        if len(unit) == 1:
            script = script_of(unit)
            width = self._profile.script_widths.get(script or "", self._profile.other_width)
        else:
            # A lens draws no ligatures: accents and joiners take a place of their own.
            width = sum(map(self.__getitem__, unit))
        if len(self) < MAX_REMEMBERED:
            self[unit] = width
        return width


def byte_count(text: str) -> int:
    """The size of ``text`` in UTF-8; half a surrogate pair counts as the three bytes it becomes."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=16)
def measurer_for(profile: Profile) -> TextMeasurer:
    """The measurer of a profile, kept so that its widths are worked out once."""
    return TextMeasurer(profile)
