"""Pictures on the lens: whether one can be shown, which one at a moment, and the lens as a PNG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, Any

from mentra_sync.display import bitmap
from mentra_sync.display.animation import INTERVAL_MS
from mentra_sync.display.bitmap import HEADER_BYTES, HEIGHT, WIDTH

if TYPE_CHECKING:
    from PIL import Image

GREEN = (0x58, 0xF5, 0x9B)
"""What is lit; the page's lens has the same colour."""

CANNOT_BE_SHOWN = "picture cannot be shown: {}"

_LONGEST_INTERVAL = 2**31 - 1
"""Milliseconds; a browser's timers count no further."""

_LETTERS = 0.76
"""The size of letters, of the height of a line; as on the page."""

_GAP = 24
"""Pixels between two columns; as on the page."""


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


def text_png(columns: Sequence[Sequence[str]], rows: int) -> bytes:
    """A lens that shows lines of text in one or two columns; it has room for ``rows``."""
    from PIL import Image

    canvas = Image.new("L", (WIDTH, HEIGHT))
    height = HEIGHT / rows
    room = (WIDTH - _GAP * (len(columns) - 1)) // len(columns)
    for column, lines in enumerate(columns):
        for row, line in enumerate(lines[:rows]):
            top = round(row * height)
            strip = _line(line, room, round((row + 1) * height) - top)
            canvas.paste(strip, (column * (room + _GAP), top))
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


def _line(text: str, room: int, height: int) -> Image.Image:
    """One line of text, squeezed where the font is wider than that of the glasses."""
    from PIL import Image, ImageDraw, ImageFont

    # Half a surrogate pair, which JSON may hold, is nothing that fonts know.
    drawable = text.encode("utf-8", "replace").decode()
    font = ImageFont.load_default(height * _LETTERS)
    strip = Image.new("L", (max(1, ceil(font.getlength(drawable))), height))
    ImageDraw.Draw(strip).text((0, height // 2), drawable, fill=255, font=font, anchor="lm")
    return strip if strip.width <= room else strip.resize((room, height))


def _png(light: Image.Image) -> bytes:
    """Green on black, as bright as the light."""
    from PIL import Image

    lens = Image.new("RGB", light.size)
    lens.paste(GREEN, mask=light)
    content = BytesIO()
    lens.save(content, "PNG")
    return content.getvalue()
