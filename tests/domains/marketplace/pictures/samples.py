"""Pictures that are sound in all the ways that pictures are, and some that are made to do harm."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms

if TYPE_CHECKING:
    from collections.abc import Callable

RED, BLUE = (200, 30, 20), (20, 30, 200)
ORIENTATION = 0x0112
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    stream = BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def red(mode: str = "RGB", *, size: tuple[int, int] = (60, 40)) -> Image.Image:
    return Image.new("RGB", size, RED).convert(mode)


def lying(form: str = "JPEG") -> bytes:
    """Blue left of red, and its EXIF says that it lies on its right side: upright, blue is on top."""
    picture = red()
    picture.paste(BLUE, (0, 0, 30, 40))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "Secret place"
    return saved(picture, form, exif=exif, quality=95)


def with_hole(form: str) -> bytes:
    """A palette, of which one colour is transparent."""
    picture = Image.new("P", (60, 40), 1)
    picture.putpalette([0, 0, 0, *RED])
    picture.paste(0, (0, 0, 5, 40))
    return saved(picture, form, transparency=0)


def sixteen_bits(*, size: tuple[int, int] = (60, 40), value: int = 0x8000) -> bytes:
    row = b"\x00" + struct.pack(">H", value) * size[0]
    return png(*size, depth=16, colour=0, data=row * size[1])


def png(width: int, height: int, *, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    """A PNG that claims what it likes."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_annotations() -> bytes:
    """One whose texts unpack to 2 MiB."""
    text = _chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(b"x" * 2 * 1024 * 1024))
    sound = saved(red(), "PNG")
    return sound[:33] + text + sound[33:]


def in_pieces(form: str) -> bytes:
    """Hundreds of thousands of empty pieces before the picture begins."""
    sound = saved(red(), form)
    if form == "PNG":
        return sound[:33] + _chunk(b"abCd", b"") * 110_000 + sound[33:]
    return sound[:2] + b"\xff" * 210_000 + sound[2:]


def drawn_often(scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    sound = saved(red("L"), "JPEG", progressive=True)
    last = sound[sound.rindex(b"\xff\xda") : -2]
    return sound[:-2] + last * scans + sound[-2:]


def moving(form: str) -> bytes:
    other = Image.new("RGB", (60, 40), BLUE)
    return saved(red(), form, save_all=True, append_images=[other], duration=100)


def wide(form: str) -> bytes:
    """In a profile of other colours than sRGB."""
    lab = ImageCms.createProfile("LAB")
    profile = ImageCms.ImageCmsProfile(lab).tobytes()
    return saved(red(), form, icc_profile=profile)


def with_profile(size: int, form: str) -> bytes:
    return saved(red(), form, icc_profile=bytes(size))


#: Each shows red in the middle, or what is said beside it.
SOUND: dict[str, tuple[bytes, tuple[int, int, int]]] = {
    "PNG": (saved(red(), "PNG"), RED),
    "JPEG": (saved(red(), "JPEG", quality=95), RED),
    "WebP": (saved(red(), "WEBP", lossless=True), RED),
    "GIF": (saved(red(), "GIF"), RED),
    "transparent": (saved(red("RGBA"), "PNG"), RED),
    "CMYK": (saved(red("CMYK"), "JPEG", quality=95), RED),
    "drawn often": (drawn_often(100), (80, 80, 80)),
    "grey": (saved(red("L"), "PNG"), (80, 80, 80)),
    "grey and transparent": (saved(red("LA"), "PNG"), (80, 80, 80)),
    "one bit": (saved(Image.new("1", (60, 40), 1), "PNG"), (255, 255, 255)),
    "palette with transparency, GIF": (with_hole("GIF"), RED),
    "palette with transparency, PNG": (with_hole("PNG"), RED),
    "16 bits": (sixteen_bits(), (128, 128, 128)),
    "a profile that is none": (with_profile(500, "JPEG"), RED),
    "a profile of other colours": (wide("PNG"), RED),
    "EXIF that is none": (saved(red(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", quality=95), RED),
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
#: Each with a part of the sentence about it.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "it is empty"),
    "text": (lambda: b"#!/bin/sh\nid\n", "no PNG, JPEG, WebP or GIF"),
    "SVG": (lambda: SVG, "no PNG, JPEG, WebP or GIF"),
    "TIFF": (lambda: saved(red(), "TIFF"), "no PNG, JPEG, WebP or GIF"),
    "zero pixels": (lambda: png(0, 5), "no PNG, JPEG, WebP or GIF"),
    "a bomb": (lambda: png(60_000, 60_000), "far over 25,000,000 pixels"),
    "a small bomb": (lambda: png(5_001, 5_000), "has 5001 x 5000 pixels"),
    "a bomb between Pillow's own limits": (lambda: png(10_000, 10_000), "has 10000 x 10000 pixels"),
    "a long bomb": (lambda: png(16_385, 1), "16,384 in a row"),
    "half a PNG": (lambda: saved(red(), "PNG")[:60], "its end is missing"),
    "half a JPEG": (lambda: saved(red(size=(600, 400)), "JPEG")[:1_500], "its end is missing"),
    "a PNG without its data": (lambda: png(50, 50), "its end is missing"),
    "the beginning of a JPEG": (lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF", ""),
    "the beginning of a WebP": (lambda: saved(red(), "WEBP")[:20], ""),
    "a GIF that moves": (lambda: moving("GIF"), "it moves"),
    "a WebP that moves": (lambda: moving("WEBP"), "it moves"),
    "a PNG that moves": (lambda: moving("PNG"), "it moves"),
    "a JPEG of many scans": (lambda: drawn_often(1_000), "drawn over 1,000 times"),
    "a huge profile, JPEG": (lambda: with_profile(3_000_000, "JPEG"), "colour profile has 3,000,000 bytes"),
    "a huge profile, PNG": (lambda: with_profile(3_000_000, "PNG"), "save it anew without metadata"),
    "texts that unpack": (with_annotations, "save it anew without metadata"),
    "a PNG in pieces": (lambda: in_pieces("PNG"), "besides the picture is too much"),
    "a JPEG in pieces": (lambda: in_pieces("JPEG"), "besides the picture is too much"),
    "too many bytes": (lambda: saved(red(), "PNG") + bytes(20 * 1024 * 1024), "over 20 MiB"),
}
