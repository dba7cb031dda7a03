"""QR codes: an address that a phone's camera reads."""

from __future__ import annotations

_QUIET = 4
"""Light modules around the code, which the standard asks for."""

_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
"""One character holds two modules, one above the other, because it is twice as high as wide."""

BLOCKS = "".join(_HALVES.values())
"""The characters that a terminal must be able to print."""


def modules(text: str) -> tuple[str, ...]:
    """The code of a text, row by row: ``1`` for a dark module, ``0`` for a light one.

    The light border around it is left to whoever draws it.  Raises ValueError for a text that is
    too long for any code.
    """
    return tuple("".join(map(str, row)) for row in _matrix(text, border=0))


def lines(text: str) -> list[str]:
    """The code of a text in characters, border and all; it must be shown dark on light."""
    rows = [[bool(module) for module in row] for row in _matrix(text, border=_QUIET)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    return [
        "".join(map(_HALVES.__getitem__, zip(*pair, strict=True)))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]


def _matrix(text: str, border: int) -> list[bytes]:
    import segno

    code = segno.make(text, error="m", micro=False)
    return [bytes(row) for row in code.matrix_iter(border=border)]
