"""What a simulated camera sees: colour bars with a caption, as large as a photo was asked for."""

from __future__ import annotations

from io import BytesIO

SIZES = {"small": (640, 360), "medium": (1280, 720), "large": (1600, 900), "full": (1920, 1080)}
"""Pixels of a photo; the largest is what the camera of Mentra Live has."""

_QUALITIES = {"none": 92, "medium": 75, "heavy": 40}
_BARS = ("white", "yellow", "cyan", "lime", "magenta", "red", "blue", "black")


def color_bars(size: str, compress: str) -> bytes:
    """A JPEG of a photo's size and compression; unknown ones are taken for the usual ones."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = SIZES.get(size, SIZES["medium"])
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    bar = width / len(_BARS)
    for number, color in enumerate(_BARS):
        left = round(number * bar)
        draw.rectangle((left, 0, round(left + bar), height), fill=color)
    draw.rectangle((0, height * 3 // 4, width, height), fill="#222222")
    caption = f"simulated glasses   {width} x {height}"
    font = ImageFont.load_default(height // 12)
    draw.text((width // 2, height * 7 // 8), caption, fill="white", font=font, anchor="mm")
    data = BytesIO()
    image.save(data, "JPEG", quality=_QUALITIES.get(compress, _QUALITIES["none"]))
    return data.getvalue()
