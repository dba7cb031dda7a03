"""Pictures made into the one format that glasses take, and what is wrong with other ones.

That format is a BMP of 576x135 pixels with 1 bit each, rows bottom-up, behind 62 bytes of
header: palette entry 0 is black (dark on the lens), 1 is white (lit).  The phone apps differ in
what they look at: one takes the bits as they are and the other goes by the palette.  In this
form both come to the same picture.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

if TYPE_CHECKING:
    from PIL import Image

ImageSource: TypeAlias = "str | PathLike[str] | bytes | bytearray | memoryview | Image.Image"
"""A path, the bytes of a picture file, those as base64 text, or a Pillow image."""

WIDTH, HEIGHT = 576, 135
"""The size of the picture that glasses take, in pixels."""

PADDING = (50, 35)
"""Columns at the left and rows at the top that stay dark by default: few eyes see them."""

MAX_SOURCE_BYTES = 32 * 1024 * 1024
"""The largest picture file accepted; a camera's photo has a fifth of that."""

MAX_SOURCE_PIXELS = 50_000_000
"""The largest picture accepted: that of a 48 megapixel phone.  It takes 200 MB while at work."""

HEADER_BYTES = 62
ROW_BYTES = WIDTH // 8
BMP_BYTES = HEADER_BYTES + ROW_BYTES * HEIGHT

_HEADER = struct.Struct("<2sIHHI IiiHHIIiiII 4s4s")


class _Header(NamedTuple):
    """The header of a BMP with a palette of two; the defaults are what glasses take."""

    signature: bytes = b"BM"
    file_bytes: int = BMP_BYTES
    reserved_1: int = 0
    reserved_2: int = 0
    pixels_at: int = HEADER_BYTES
    info_bytes: int = 40
    width: int = WIDTH
    height: int = HEIGHT  # positive: rows bottom-up
    planes: int = 1
    bits: int = 1
    compression: int = 0
    pixel_bytes: int = BMP_BYTES - HEADER_BYTES
    x_per_metre: int = 2835  # 72 dpi
    y_per_metre: int = 2835
    colours: int = 2
    important_colours: int = 2
    dark: bytes = b"\x00\x00\x00\x00"
    lit: bytes = b"\xff\xff\xff\x00"


_OTHER_FORMATS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"RIFF": "WebP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_OLD_INFO_BYTES = 12
"""The info header of OS/2, which has shorter fields."""

_THRESHOLD = 128  # brighter than this is lit

_BASE64 = re.compile(r"(?:data:image/[\w.+-]+;base64,)?([A-Za-z0-9+/\s]{32,}={0,2})")
"""No picture is shorter than this, but the name of a file that is missing may be."""

_LONGEST_PATH = 4096


def load(image: ImageSource) -> Image.Image:
    """The picture that ``image`` stands for, upright; of a moving one, the first frame.

    ``image`` is a path, the bytes of a file in any format that Pillow reads, those bytes as
    base64 text (with or without ``data:image/...;base64,``), or a Pillow image.
    Raises ValueError, saying what to do, when there is no such file, when it is broken or not a
    picture, or when it is larger than ``MAX_SOURCE_BYTES`` or ``MAX_SOURCE_PIXELS``; TypeError
    for anything that no picture is made of.
    """
    from PIL import ImageOps

    picture = open_image(image)
    try:
        picture.load()
        # Cameras write a picture as the sensor lay and note how to turn it.
        return ImageOps.exif_transpose(picture)
    except Exception as error:
        # Decoders raise nearly anything when a file is broken.
        raise ValueError(_broken(error)) from error


def open_image(image: ImageSource) -> Image.Image:
    """As ``load``, but with all frames and nothing decoded yet."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(image, Image.Image):
        picture = image
    else:
        content = _content(image)
        try:
            picture = Image.open(BytesIO(content))
        except UnidentifiedImageError:
            raise ValueError(
                f"these {len(content)} bytes are not a picture in a known format; "
                "give a PNG, JPEG, GIF or BMP"
            ) from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise ValueError(_too_many_pixels("by far")) from None
        except Exception as error:
            raise ValueError(_broken(error)) from error
    if picture.width * picture.height > MAX_SOURCE_PIXELS:
        raise ValueError(_too_many_pixels(f"{picture.width}x{picture.height} pixels"))
    if not picture.width or not picture.height:
        raise ValueError(f"the picture is empty ({picture.width}x{picture.height} pixels)")
    return picture


def pad(image: ImageSource, *, padding: tuple[int, int] = PADDING) -> Image.Image:
    """The picture on a black 576x135 canvas, still in its colours.

    It is scaled down if it must be, to fit right of and below ``padding`` (columns, rows), and
    centred there; one of 576x135 stays where it is.  Raises as ``load``, and ValueError for a
    padding that leaves no room.
    """
    area = _area(padding)
    return _place(_fitted(_flat(load(image), "black"), area), area)


def to_bmp(
    image: ImageSource,
    *,
    padding: tuple[int, int] = PADDING,
    dither: bool = False,
    invert: bool = False,
) -> bytes:
    """The BMP that glasses take, placed as by ``pad``.

    Bright pixels are lit: those whose strongest colour is above half.  ``dither`` shows shades
    as patterns of dots instead, for photographs.  ``invert`` first turns each colour into its
    opposite, for drawings on white.  Transparent parts stay dark either way.  Raises as ``pad``.
    """
    area = _area(padding)
    picture = _fitted(_flat(load(image), "white" if invert else "black"), area)
    return _encode(_place(_lit(picture, dither=dither, invert=invert), area))


def to_wire(
    image: ImageSource,
    *,
    padding: tuple[int, int] = PADDING,
    dither: bool = False,
    invert: bool = False,
) -> str:
    """What ``to_bmp`` makes, as the base64 text that goes over the wire."""
    bmp = to_bmp(image, padding=padding, dither=dither, invert=invert)
    return base64.b64encode(bmp).decode("ascii")


def validate(bmp: bytes | bytearray | memoryview | str) -> list[str]:
    """What is wrong with a foreign BMP (bytes, or base64 text), a sentence each; [] if nothing.

    Glasses take exactly what ``to_bmp`` makes; that also mends all that is named here.
    """
    if isinstance(bmp, str):
        try:
            bmp = base64.b64decode(bmp, validate=True)
        except ValueError as error:
            return [f"it is not base64 text: {error}"]
    content = bytes(bmp)
    for start, name in _OTHER_FORMATS.items():
        if content.startswith(start):
            return [f"it is a {name} file, not a BMP; to_bmp() converts it"]
    if not content.startswith(b"BM"):
        return [f"it does not start with BM, as a BMP does, but with {content[:2]!r}"]
    if len(content) < HEADER_BYTES:
        return [f"it has {len(content)} bytes, less than the header of {HEADER_BYTES}"]
    return list(_faults(content))


def _faults(content: bytes) -> Iterator[str]:
    header, right = _Header._make(_HEADER.unpack_from(content)), _Header()
    if header.info_bytes != right.info_bytes:
        yield (
            f"its info header has {header.info_bytes} bytes, not {right.info_bytes}: it is of "
            "another version of the format"
        )
        if header.info_bytes == _OLD_INFO_BYTES:
            return  # whose fields lie elsewhere
    if header.height < 0:
        yield "its rows are stored top-down (negative height); glasses read them bottom-up"
    if (header.width, abs(header.height)) != (WIDTH, HEIGHT):
        yield f"it is {header.width}x{abs(header.height)} pixels, not {WIDTH}x{HEIGHT}"
    if header.planes != right.planes:
        yield f"it has {header.planes} colour planes, not {right.planes}"
    if header.bits != right.bits:
        yield f"it has {header.bits} bits a pixel, not {right.bits}"
    else:
        yield from _palette_faults(header, right)
    if header.compression != right.compression:
        yield (
            f"it is compressed (method {header.compression}); glasses read plain rows "
            f"(method {right.compression})"
        )
    yield from _size_faults(header, right, len(content))


def _palette_faults(header: _Header, right: _Header) -> Iterator[str]:
    if header.colours not in (0, right.colours):  # 0 stands for as many as the bits allow
        yield f"its palette has {header.colours} colours, not {right.colours}"
    elif (header.dark[:3], header.lit[:3]) != (right.dark[:3], right.lit[:3]):
        yield (
            f"its palette is not black, then white, but {_colour(header.dark)}, then "
            f"{_colour(header.lit)}: phones that go by the palette and those that go by the bits "
            "show it differently"
        )


def _size_faults(header: _Header, right: _Header, size: int) -> Iterator[str]:
    if header.pixels_at != right.pixels_at:
        where = ", which is after its end" if header.pixels_at >= size else ""
        yield f"its pixels start at byte {header.pixels_at}{where}, not {right.pixels_at}"
    if header.file_bytes not in (0, size):  # 0: some programs leave it out, and nobody reads it
        yield f"its header says {header.file_bytes} bytes, but it has {size}"
    if header.pixel_bytes not in (0, right.pixel_bytes):  # 0 is usual without compression
        yield f"its header says {header.pixel_bytes} bytes of pixels, not {right.pixel_bytes}"
    if size != BMP_BYTES:
        yield f"it has {size} bytes, not {BMP_BYTES}"


def _colour(entry: bytes) -> str:
    """A palette's entry, which is blue, green, red, as in a web page."""
    return f"#{entry[2]:02x}{entry[1]:02x}{entry[0]:02x}"


def _content(image: str | PathLike[str] | bytes | bytearray | memoryview) -> bytes:
    """The bytes of a picture file."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        content = bytes(image)
    elif isinstance(image, PathLike):
        content = _read(Path(image))
    elif isinstance(image, str):
        content = _from_text(image)
    else:
        raise TypeError(
            f"an image is a path, bytes, base64 text or a Pillow image, got {type(image).__name__}"
        )
    if len(content) > MAX_SOURCE_BYTES:
        raise ValueError(_too_many_bytes(len(content)))
    if not content:
        raise ValueError("the picture is empty (0 bytes)")
    return content


def _from_text(text: str) -> bytes:
    """A text is the path of a file if there is one of that name, else base64."""
    if len(text) <= _LONGEST_PATH and "\0" not in text:
        path = Path(text)
        try:
            found = path.is_file()
        except OSError:  # a name too long for this system
            found = False
        if found:
            return _read(path)
    if len(text) > MAX_SOURCE_BYTES * 3 // 2:
        raise ValueError(_too_many_bytes(len(text) * 3 // 4))
    match = _BASE64.fullmatch(text.strip())
    if match:
        try:
            return base64.b64decode(match[1])
        except binascii.Error as error:
            raise ValueError(f"the picture's base64 text is damaged: {error}") from error
    shown = text if len(text) <= 60 else text[:57] + "..."
    raise ValueError(f"{shown!r} is neither the path of a file nor a picture as base64 text")


def _read(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) > MAX_SOURCE_BYTES:
            raise ValueError(_too_many_bytes(size))
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the picture {str(path)!r}: {error.strerror}") from error


def _broken(error: Exception) -> str:
    return f"the picture is broken ({error}); open it in an image editor and save it again"


def _too_many_bytes(size: int) -> str:
    return (
        f"the picture has {size} bytes, more than {MAX_SOURCE_BYTES}; "
        "save it smaller: the lens has only 576x135 pixels"
    )


def _too_many_pixels(what: str) -> str:
    return (
        f"the picture is too large ({what}, more than {MAX_SOURCE_PIXELS}); "
        "scale it down first: the lens has only 576x135 pixels"
    )


def _area(padding: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, width and height of the part of the lens that a picture may fill."""
    left, top = padding
    if not (0 <= left < WIDTH and 0 <= top < HEIGHT):
        raise ValueError(
            f"padding must be (0 to {WIDTH - 1} columns, 0 to {HEIGHT - 1} rows), got {padding}"
        )
    return left, top, WIDTH - left, HEIGHT - top


def _flat(picture: Image.Image, background: str) -> Image.Image:
    """The picture as RGB, whatever its mode, with what is transparent in the colour given."""
    from PIL import Image

    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        picture = _in_eight_bits(picture)
    if picture.mode in ("La", "RGBa"):  # colours that are multiplied with their alpha already
        picture = picture.convert(picture.mode.upper())
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = Image.new("RGBA", layer.size, background)
        picture.alpha_composite(layer)
    return picture.convert("RGB")


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Shades of grey from a wider range, where Pillow by itself would cut off all above 255."""
    shades = picture.convert("F")
    brightest = cast("tuple[float, float]", shades.getextrema())[1]
    scale = 1.0 if brightest <= 255 else 255 / max(brightest, 65535)
    return shades.point(lambda shade: shade * scale + 0).convert("L")


def _fitted(picture: Image.Image, area: tuple[int, int, int, int]) -> Image.Image:
    """Scaled down if it must be, keeping its proportions."""
    from PIL import Image

    width, height = picture.size
    if (width, height) == (WIDTH, HEIGHT):
        return picture
    scale = min(1.0, area[2] / width, area[3] / height)
    if scale == 1.0:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _place(picture: Image.Image, area: tuple[int, int, int, int]) -> Image.Image:
    """On a dark canvas of the lens' size, in the middle of the area; a full one as it is."""
    from PIL import Image

    if picture.size == (WIDTH, HEIGHT):
        return picture
    left, top, width, height = area
    canvas = Image.new(picture.mode, (WIDTH, HEIGHT))
    middle = left + (width - picture.width) // 2, top + (height - picture.height) // 2
    canvas.paste(picture, middle)
    return canvas


def _lit(picture: Image.Image, *, dither: bool, invert: bool) -> Image.Image:
    """One bit a pixel.  Done before the padding is added, so that no dots spill into it."""
    from PIL import Image, ImageChops

    if invert:
        picture = ImageChops.invert(picture)
    if dither:
        return picture.convert("L").convert("1", dither=Image.Dither.FLOYDSTEINBERG)
    red, green, blue = picture.split()
    # The strongest colour rather than the brightness: pure red or blue shows as well as green.
    strongest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return strongest.point([255 if shade > _THRESHOLD else 0 for shade in range(256)], "1")


def _encode(bits: Image.Image) -> bytes:
    from PIL import Image

    rows = bits.transpose(Image.Transpose.FLIP_TOP_BOTTOM).tobytes()
    return _HEADER.pack(*_Header()) + rows
