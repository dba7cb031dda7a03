"""Pictures on the lens: whether one can be shown, which one at a moment, and the lens as a PNG."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, Any

from mentra_sync.display import bitmap
from mentra_sync.display.animation import INTERVAL_MS
from mentra_sync.display.bitmap import HEADER_BYTES, HEIGHT, WIDTH
from mentra_sync.simulator.typesetting import ROW_PX, Piece, PlacedLine

if TYPE_CHECKING:
    from PIL import Image

GREEN = (0x58, 0xF5, 0x9B)
"""What is lit; the page's lens has the same colour."""

CANNOT_BE_SHOWN = "picture cannot be shown: {}"

_LONGEST_INTERVAL = 2**31 - 1
"""Milliseconds; a browser's timers count no further."""

_LETTERS, _BASELINE = 20, 20
"""The size of letters in pixels, and how far below the top of their row they stand."""


def problem_of(layout: dict[str, Any]) -> str | None:
    """Why the picture of a layout cannot be shown; None when it can, or when there is none."""
    kind = layout.get("layoutType")
    if kind == "bitmap_view":
        reason = _fault(layout.get("data"))
    elif kind == "bitmap_animation":
        reason = _fault_of_frames(layout.get("frames"))
    else:
        return None
    return CANNOT_BE_SHOWN.format(reason) if reason else None


def picture_at(layout: dict[str, Any], seconds: float) -> bytes | None:
    """The BMP that a layout shows so long after it came; None for one that is no picture.

    Only for layouts without a problem.  The last picture of an animation that is not repeated
    stays.
    """
    kind = layout.get("layoutType")
    if kind == "bitmap_view":
        return base64.b64decode(layout["data"])
    if kind != "bitmap_animation":
        return None
    frames = layout["frames"]
    # Session time adds up with rounding errors, and a frame must be there when its time comes.
    passed = int(round(1000 * max(0.0, seconds), 3) // _interval(layout))
    last = len(frames) - 1
    number = passed % len(frames) if layout.get("repeat") is True else min(passed, last)
    return base64.b64decode(frames[number])


def picture_png(bmp: bytes) -> bytes:
    """A lens that shows a picture, which must be as glasses take it."""
    from PIL import Image

    # By the bits alone, as glasses do: what else the header says cannot make this fail.
    bits = Image.frombytes("1", (WIDTH, HEIGHT), bmp[HEADER_BYTES:])
    return _png(bits.transpose(Image.Transpose.FLIP_TOP_BOTTOM).convert("L"))


def text_png(lines: Iterable[PlacedLine], size: tuple[int, int]) -> bytes:
    """A lens of some size that shows lines of text, every letter in its place."""
    from PIL import Image

    canvas = Image.new("L", size)
    for line in lines:
        for piece in line.pieces:
            if not piece.text.isspace():
                canvas.paste(_letters(piece), (piece.x, line.row * ROW_PX))
    return _png(canvas)


def _fault(data: object) -> str | None:
    """What is wrong with one picture, the first thing; None for nothing."""
    if not isinstance(data, str):
        return "it is missing" if data is None else "it is not base64 text"
    return next(iter(bitmap.validate(data)), None)


def _fault_of_frames(frames: object) -> str | None:
    if not isinstance(frames, list) or not frames:
        return "the animation has no frames"
    for number, frame in enumerate(frames, 1):
        if reason := _fault(frame):
            return f"frame {number}: {reason}"
    return None


def _interval(layout: dict[str, Any]) -> float:
    """The time of a frame in ms; what makes no sense counts as not given."""
    interval = layout.get("interval")
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not interval > 0:
        return INTERVAL_MS
    return max(1, min(interval, _LONGEST_INTERVAL))


def _letters(piece: Piece) -> Image.Image:
    """A piece of text, squeezed where the font is wider than that of the glasses."""
    from PIL import Image, ImageDraw, ImageFont

    # Half a surrogate pair, which JSON may hold, is nothing that fonts know.
    drawable = piece.text.encode("utf-8", "replace").decode()
    font = ImageFont.load_default(_LETTERS)
    strip = Image.new("L", (max(1, ceil(font.getlength(drawable))), ROW_PX))
    ImageDraw.Draw(strip).text((0, _BASELINE), drawable, fill=255, font=font, anchor="ls")
    return strip if strip.width <= piece.width_px else strip.resize((piece.width_px, ROW_PX))


def _png(light: Image.Image) -> bytes:
    """Green on black, as bright as the light."""
    from PIL import Image

    lens = Image.new("RGB", light.size)
    lens.paste(GREEN, mask=light)
    content = BytesIO()
    lens.save(content, "PNG")
    return content.getvalue()
