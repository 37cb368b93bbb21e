"""Makes thumbnails of a picture that anybody may have made: what it claims is checked before it is decoded.

Pillow's own limit of pixels is one for the whole process, and a warning at first; the one here is looked at
when the header alone was read. Nothing but colours is taken over: no metadata, no profile, no second frame.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from app.domains.marketplace.pictures.errors import UnusablePicture
from app.domains.marketplace.pictures.limits import (
    MAX_BYTES,
    MAX_PIXELS,
    MAX_PROFILE_BYTES,
    MAX_READS,
    MAX_SCANS,
    MAX_SIDE,
    MIB,
)

#: Source: ITU-T T.81, table B.1. In what is coded there is no such pair of bytes.
START_OF_SCAN = b"\xff\xda"
FORMATS = ("GIF", "JPEG", "PNG", "WEBP")
#: Sides of the squares that thumbnails fill.
SIDES = (128, 256, 512)
MEDIA_TYPES = {"image/webp": "WEBP", "image/png": "PNG"}
_SAVED_AS: dict[str, dict[str, Any]] = {"WEBP": {"quality": 82, "method": 4}, "PNG": {"optimize": True}}
#: What Pillow raises for bytes that are not what they claim; a time limit is none of them.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    AttributeError,
    LookupError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
_SIXTEEN_BITS, _EIGHT_BITS = 0xFFFF, 0xFF

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """A picture in a square, with transparent margins where it is none."""

    side: int
    media_type: str
    content: bytes


def refuse_unusable(content: bytes) -> None:
    """Raise `UnusablePicture` for what the header shows to be no picture, or too much of one."""
    _opened(content)


def thumbnails_of(content: bytes) -> list[Thumbnail]:
    """Thumbnails in all sizes and forms, upright, in the colours of sRGB. Raises `UnusablePicture`."""
    picture = _opened(content)
    try:
        small = _in_srgb(_upright(_shrunk(picture)), profile=picture.info.get("icc_profile"))
    except _BROKEN:
        raise UnusablePicture(problem="its end is missing, or it is damaged; send a whole one") from None
    return [
        Thumbnail(side=side, media_type=media_type, content=_saved(small, side=side, form=form))
        for side in SIDES
        for media_type, form in MEDIA_TYPES.items()
    ]


def _opened(content: bytes) -> Image.Image:
    """The picture, of which nothing but the header was read."""
    if not content:
        raise UnusablePicture(problem="it is empty; send its bytes as the body")
    if len(content) > MAX_BYTES:
        raise UnusablePicture(problem=f"it is over {MAX_BYTES // MIB} MiB; send a smaller one")
    header = _Header(content)
    try:
        picture = Image.open(header, formats=FORMATS)
        _refuse_large(picture)
        is_animated = getattr(picture, "is_animated", False)
    except Image.DecompressionBombError:
        raise UnusablePicture(problem=f"it has far over {MAX_PIXELS:,} pixels; send a smaller one") from None
    except UnidentifiedImageError:
        raise UnusablePicture(problem="it is no PNG, JPEG, WebP or GIF; send one of these") from None
    except _BROKEN:
        problem = "its header is damaged, or what stands in it besides the picture is too much"
        raise UnusablePicture(problem=f"{problem}; save it anew without metadata") from None
    if picture.format == "JPEG" and content.count(START_OF_SCAN) > MAX_SCANS:
        raise UnusablePicture(problem=f"it is drawn over {MAX_SCANS:,} times; save it anew without scans")
    if is_animated:
        raise UnusablePicture(problem="it moves; send one of its frames")
    header.left = math.inf
    return picture


class _Header(BytesIO):
    """The bytes of a picture, of which so many pieces are read."""

    left: float = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """The next piece."""
        self.left -= 1
        if self.left < 0:
            raise ValueError
        return super().read(size)


def _refuse_large(picture: Image.Image) -> None:
    width, height = picture.size
    if width < 1 or height < 1:
        raise UnusablePicture(problem=f"it has {width} x {height} pixels; send one that shows something")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        most = f"up to {MAX_PIXELS:,} in all and {MAX_SIDE:,} in a row"
        raise UnusablePicture(problem=f"it has {width} x {height} pixels; send one with {most}")
    profile = len(picture.info.get("icc_profile") or b"")
    if profile > MAX_PROFILE_BYTES:
        raise UnusablePicture(
            problem=f"its colour profile has {profile:,} bytes; save it anew in sRGB without one"
        )


def _shrunk(picture: Image.Image) -> Image.Image:
    """Not larger than the largest thumbnail; of a JPEG no more is decoded than that takes."""
    if picture.mode.startswith("I"):
        wide = picture.convert("I")
        picture = wide.point(lambda value: value * (_EIGHT_BITS / _SIXTEEN_BITS)).convert("L")
    elif picture.mode in {"1", "P", "PA"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    picture.thumbnail((SIDES[-1], SIDES[-1]), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    """As its EXIF says that it was taken, unless nobody can read that."""
    try:
        return ImageOps.exif_transpose(picture)
    except _BROKEN:
        return picture


def _in_srgb(picture: Image.Image, *, profile: bytes | None) -> Image.Image:
    has_alpha = "A" in picture.getbands()
    alpha = picture.getchannel("A") if has_alpha else None
    colours = picture.convert("L" if picture.mode == "LA" else "RGB") if has_alpha else picture
    colours = _converted(colours, profile) if profile else colours.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    return colours.convert("RGBA")


def _converted(colours: Image.Image, profile: bytes) -> Image.Image:
    """By a profile, unless it is none or one of other colours."""
    try:
        found = ImageCms.profileToProfile(
            colours,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, *_BROKEN):
        found = None
    return found or colours.convert("RGB")


def _saved(picture: Image.Image, *, side: int, form: str) -> bytes:
    fitting = picture.copy()
    fitting.thumbnail((side, side), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (side, side))
    square.paste(fitting, ((side - fitting.width) // 2, (side - fitting.height) // 2))
    saved = BytesIO()
    square.save(saved, form, **_SAVED_AS[form])
    return saved.getvalue()
