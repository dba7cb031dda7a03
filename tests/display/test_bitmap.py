"""Pictures for the lens."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from mentra_sync.display import bitmap
from mentra_sync.display.bitmap import HEIGHT, WIDTH, load, pad, to_bmp, to_wire, validate


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def white(width: int, height: int) -> Image.Image:
    return Image.new("L", (width, height), 255)


def lit(bmp: bytes) -> Image.Image:
    """What a viewer that knows nothing of this package sees in a BMP."""
    with Image.open(io.BytesIO(bmp)) as picture:
        return picture.convert("L")


def lit_box(bmp: bytes) -> tuple[int, int, int, int] | None:
    return lit(bmp).getbbox()


# --- The format ------------------------------------------------------------------------------


def test_the_bytes_are_exactly_what_glasses_take() -> None:
    picture = Image.new("1", (WIDTH, HEIGHT))
    picture.putpixel((0, 0), 255)
    picture.putpixel((9, HEIGHT - 1), 255)
    bmp = to_bmp(picture)
    assert len(bmp) == 9782
    assert bmp[:14] == b"BM" + struct.pack("<IHHI", 9782, 0, 0, 62)
    assert struct.unpack("<IiiHHII", bmp[14:38]) == (40, 576, 135, 1, 1, 0, 9720)
    assert bmp[54:62] == b"\0\0\0\0\xff\xff\xff\0", "black, then white"
    rows = [bmp[62 + 72 * row :][:72] for row in range(135)]
    assert rows[0] == b"\0\x40" + b"\0" * 70, "the bottom row first, its left pixel in the high bit"
    assert rows[134] == b"\x80" + b"\0" * 71
    assert not any(map(any, rows[1:134]))


def test_the_wire_form_is_base64_of_it() -> None:
    picture = white(10, 10)
    assert base64.b64decode(to_wire(picture, invert=True), validate=True) == to_bmp(
        picture, invert=True
    )


def test_a_picture_made_here_is_taken_as_it_is() -> None:
    bmp = to_bmp(white(100, 30))
    assert to_bmp(bmp) == bmp


# --- Where it goes ---------------------------------------------------------------------------


def test_a_small_picture_is_centred_right_of_and_below_the_padding() -> None:
    left, top = 50 + (526 - 100) // 2, 35 + (100 - 30) // 2
    assert lit_box(to_bmp(white(100, 30))) == (left, top, left + 100, top + 30)


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((526, 100), (50, 35, 576, 135)),
        ((1052, 200), (50, 35, 576, 135)),
        ((1052, 100), (50, 60, 576, 110)),
        ((100, 200), (288, 35, 338, 135)),
        ((576, 135), (0, 0, 576, 135)),
        ((1, 4000), (312, 35, 313, 135)),
    ],
)
def test_a_large_picture_is_scaled_down_to_fit(
    size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    assert lit_box(to_bmp(white(*size))) == box


def test_the_padding_can_be_chosen() -> None:
    assert lit_box(to_bmp(white(2000, 100), padding=(0, 0))) == (0, 53, 576, 82)
    assert lit_box(to_bmp(white(20, 10), padding=(556, 125))) == (556, 125, 576, 135)


@pytest.mark.parametrize("padding", [(-1, 0), (576, 0), (0, 135)])
def test_a_padding_without_room_is_refused(padding: tuple[int, int]) -> None:
    for function in (to_bmp, pad):
        with pytest.raises(ValueError, match="padding must be"):
            function(white(1, 1), padding=padding)


def test_pad_keeps_the_colours() -> None:
    padded = pad(Image.new("RGB", (526, 100), "red"))
    assert (padded.size, padded.getbbox()) == ((WIDTH, HEIGHT), (50, 35, 576, 135))
    assert padded.getpixel((300, 80)) == (255, 0, 0)


# --- What is lit -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colour", "is_lit", "is_lit_inverted"),
    [
        ("white", True, False),
        ("black", False, True),
        ("red", True, True),
        ("blue", True, True),
        ((128, 128, 128), False, False),
        ((129, 0, 0), True, True),
        ((126, 126, 126), False, True),
        ((129, 129, 129), True, False),
    ],
)
def test_bright_pixels_are_lit(colour: Any, is_lit: bool, is_lit_inverted: bool) -> None:
    picture = Image.new("RGB", (WIDTH, HEIGHT), colour)
    assert bool(lit_box(to_bmp(picture))) == is_lit
    assert bool(lit_box(to_bmp(picture, invert=True))) == is_lit_inverted


def test_what_is_transparent_stays_dark() -> None:
    picture = Image.new("RGBA", (WIDTH, HEIGHT), (255, 255, 255, 0))
    picture.paste((255, 255, 255, 255), (0, 0, 10, 10))
    picture.paste((0, 0, 0, 255), (20, 0, 30, 10))
    assert lit_box(to_bmp(picture)) == (0, 0, 10, 10)
    assert lit_box(to_bmp(picture, invert=True)) == (20, 0, 30, 10)
    half = Image.new("LA", (WIDTH, HEIGHT), (255, 100))
    assert lit_box(to_bmp(half)) is None
    palette = Image.new("P", (WIDTH, HEIGHT), 3)
    palette.putpalette([255] * 768)
    assert lit_box(to_bmp(encoded(palette, transparency=3))) is None
    assert lit_box(to_bmp(encoded(palette, transparency=4)))


def test_the_padding_stays_dark_when_inverted_or_dithered() -> None:
    black = Image.new("L", (526, 100))
    assert lit_box(to_bmp(black, invert=True)) == (50, 35, 576, 135)
    grey = Image.new("L", (200, 50), 200)
    left, top, right, bottom = lit_box(to_bmp(grey, dither=True)) or (0, 0, 0, 0)
    assert (left, top, right, bottom) == (213, 60, 413, 110)


def test_dithering_shows_shades_as_a_share_of_dots() -> None:
    for shade in (64, 128, 192):
        dots = lit(to_bmp(Image.new("L", (WIDTH, HEIGHT), shade), dither=True)).histogram()[255]
        assert dots == pytest.approx(WIDTH * HEIGHT * shade / 255, rel=0.02)


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "HSV", "I", "F"]
)
def test_every_mode_of_pillow_is_taken(mode: str) -> None:
    picture = Image.new("RGB", (40, 20), "white").convert(mode if mode != "LA" else "L")
    assert lit_box(to_bmp(picture.convert(mode))) == (293, 75, 333, 95)


@pytest.mark.parametrize(("mode", "stored"), [("RGBA", "RGBa"), ("LA", "La")])
def test_colours_multiplied_with_their_alpha_are_taken(mode: str, stored: str) -> None:
    picture = Image.new("RGBA", (40, 20), "white").convert(mode)
    assert lit_box(to_bmp(picture.convert(stored))) == (293, 75, 333, 95)
    picture.putalpha(60)
    assert to_bmp(picture.convert(stored)) == to_bmp(picture)


def test_sixteen_bits_of_grey_are_not_cut_off() -> None:
    def grey(shade: int) -> bytes:
        return encoded(Image.new("I;16", (WIDTH, HEIGHT), shade))

    assert lit_box(to_bmp(grey(20000))) is None
    assert lit_box(to_bmp(grey(50000)))


# --- Where it comes from ---------------------------------------------------------------------


def test_a_picture_comes_as_path_bytes_text_or_image(tmp_path: Path) -> None:
    picture = white(30, 20)
    content = encoded(picture)
    path = tmp_path / "logo.png"
    path.write_bytes(content)
    text = base64.b64encode(content).decode()
    expected = to_bmp(picture)
    for source in (
        picture,
        content,
        bytearray(content),
        memoryview(content),
        path,
        str(path),
        text,
        f"data:image/png;base64,{text}",
        "\n".join(text[at : at + 20] for at in range(0, len(text), 20)) + "\n",
    ):
        assert to_bmp(source) == expected


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_formats(kind: str) -> None:
    assert load(encoded(white(30, 20), kind)).size == (30, 20)


def test_a_photo_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert load(encoded(white(30, 20), "JPEG", exif=exif)).size == (20, 30)


def test_the_caller_keeps_its_image() -> None:
    picture = Image.new("RGB", (600, 300), "white")
    to_bmp(picture)
    assert picture.size == (600, 300)
    assert load(picture) is not picture


PNG = encoded(Image.effect_noise((300, 200), 80))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no-such-logo.png", "'no-such-logo.png' is neither the path of a file nor a picture"),
        ("", "'' is neither the path"),
        ("x" * 5000 + "!", "is neither the path"),
        ("logo", "'logo' is neither"),
        ("a\0b", "is neither"),
        ("QUJD" * 20, "these 60 bytes are not a picture in a known format"),
        ("QUJD" * 20 + "Q", "base64 text is damaged"),
        (b"", "empty"),
        (b"hello", "these 5 bytes are not a picture in a known format; give a PNG"),
        (PNG[:20000], "the picture is broken"),
        (PNG[:200] + b"\0" * 200 + PNG[400:], "the picture is broken"),
        (Path("missing.png"), "cannot read the picture 'missing.png'"),
        (Path(), "cannot read the picture"),
    ],
    ids=range(13),
)
def test_a_bad_picture_is_refused_with_a_reason(source: Any, message: str) -> None:
    for function in (load, pad, to_bmp):
        with pytest.raises(ValueError, match=message):
            function(source)


def test_what_no_picture_is_made_of_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="base64 text or a Pillow image, got int"):
        to_bmp(42)  # type: ignore[arg-type]


def test_huge_pictures_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def header(width: int, height: int) -> bytes:
        content = bytearray(encoded(white(1, 1)))
        content[16:24] = struct.pack(">II", width, height)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        return bytes(content)

    with pytest.raises(ValueError, match=r"too large .10000x6000 pixels.*scale it down first"):
        to_bmp(header(10000, 6000))
    for side in (11000, 50000):  # Pillow warns of the first, and refuses the second
        with pytest.raises(ValueError, match=r"too large .*scale it down first"):
            to_bmp(header(side, side))
    monkeypatch.setattr(bitmap, "MAX_SOURCE_BYTES", 1000)
    (tmp_path / "big").write_bytes(PNG)
    for source in (PNG, tmp_path / "big", str(tmp_path / "big"), base64.b64encode(PNG).decode()):
        with pytest.raises(ValueError, match=r"bytes, more than 1000; save it smaller"):
            load(source)


def test_empty_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match=r"empty \(0x5 pixels\)"):
        to_bmp(Image.new("L", (0, 5)))


# --- Foreign BMPs ----------------------------------------------------------------------------


def test_nothing_is_wrong_with_what_is_made_here() -> None:
    bmp = to_bmp(white(10, 10))
    assert validate(bmp) == []
    assert validate(base64.b64encode(bmp).decode()) == []


def changed(at: int, format_: str, value: int) -> bytes:
    content = bytearray(to_bmp(white(10, 10)))
    struct.pack_into(format_, content, at, value)
    return bytes(content)


@pytest.mark.parametrize(
    ("bmp", "faults"),
    [
        (encoded(white(5, 5)), ["it is a PNG file"]),
        (encoded(white(5, 5), "JPEG"), ["it is a JPEG file"]),
        (b"", ["it does not start with BM"]),
        (b"BM123", ["it has 5 bytes, less than the header of 62"]),
        ("not base64!", ["it is not base64 text"]),
        (changed(22, "<i", -135), ["its rows are stored top-down"]),
        (changed(18, "<i", 640), ["it is 640x135 pixels, not 576x135"]),
        (changed(28, "<H", 24), ["it has 24 bits a pixel, not 1"]),
        (changed(30, "<I", 1), ["it is compressed (method 1)"]),
        (changed(10, "<I", 130), ["its pixels start at byte 130, not 62"]),
        (changed(2, "<I", 9000), ["its header says 9000 bytes, but it has 9782"]),
        (changed(54, "<I", 0x3080FF), ["its palette is not black, then white, but #3080ff, then"]),
        (changed(14, "<I", 124), ["its info header has 124 bytes, not 40"]),
        (changed(14, "<I", 12), ["its info header has 12 bytes, not 40"]),
        (changed(26, "<H", 3), ["it has 3 colour planes, not 1"]),
        (changed(46, "<I", 256), ["its palette has 256 colours, not 2"]),
        (changed(34, "<I", 77), ["its header says 77 bytes of pixels, not 9720"]),
        (changed(10, "<I", 9782), ["its pixels start at byte 9782, which is after its end, not"]),
        (changed(46, "<I", 0), []),
        (changed(34, "<I", 0), []),
        (changed(2, "<I", 0), []),
        (to_bmp(white(5, 5))[:9000], ["its header says 9782", "it has 9000 bytes, not 9782"]),
        (
            encoded(Image.new("RGB", (100, 50)), "BMP"),
            [
                "it is 100x50 pixels",
                "it has 24 bits",
                "its pixels start at byte 54, not 62",
                "its header says 15000 bytes of pixels, not 9720",
                "it has",
            ],
        ),
    ],
    ids=range(23),
)
def test_validate_names_each_fault(bmp: bytes | str, faults: list[str]) -> None:
    found = validate(bmp)
    assert len(found) == len(faults)
    for sentence, start in zip(found, faults, strict=True):
        assert sentence.startswith(start)


def test_a_foreign_bmp_is_mended() -> None:
    drawing = Image.new("1", (WIDTH, HEIGHT))
    ImageDraw.Draw(drawing).ellipse((100, 20, 200, 120), fill=255)
    for foreign in (encoded(drawing, "BMP"), encoded(drawing.convert("RGB"), "BMP")):
        assert validate(to_bmp(foreign)) == []
        assert lit(to_bmp(foreign)).tobytes() == drawing.convert("L").tobytes()
