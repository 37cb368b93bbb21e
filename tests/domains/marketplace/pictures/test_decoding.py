"""Thumbnails of all kinds of pictures, and a sentence for what is none."""

from __future__ import annotations

import random
from contextlib import suppress
from io import BytesIO

import pytest
from PIL import Image

from app.domains.marketplace.pictures.decoding import refuse_unusable, thumbnails_of
from app.domains.marketplace.pictures.errors import UnusablePicture
from tests.domains.marketplace.pictures.samples import BLUE, HOSTILE, RED, SOUND, lying, red, saved, with_hole

FORMS = {"image/webp": "WEBP", "image/png": "PNG"}


def drawn(content: bytes, *, side: int = 128, media_type: str = "image/png") -> Image.Image:
    """One of the thumbnails."""
    [found] = [one for one in thumbnails_of(content) if (one.side, one.media_type) == (side, media_type)]
    return Image.open(BytesIO(found.content)).convert("RGBA")


def is_near(found: object, wanted: tuple[int, ...]) -> bool:
    assert isinstance(found, tuple)
    return len(found) == len(wanted) and all(
        abs(one - other) < 12 for one, other in zip(found, wanted, strict=False)
    )


@pytest.mark.parametrize("kind", SOUND)
def test_every_kind_of_picture_is_shown_in_its_colours(kind: str) -> None:
    content, colour = SOUND[kind]
    made = thumbnails_of(content)
    assert {(one.side, one.media_type) for one in made} == {
        (side, form) for side in (128, 256, 512) for form in FORMS
    }
    for one in made:
        picture = Image.open(BytesIO(one.content))
        assert (picture.format, picture.size) == (FORMS[one.media_type], (one.side, one.side))
        assert not {"exif", "icc_profile", "Comment", "xmp"} & picture.info.keys()
        assert not picture.getexif()
        middle = one.side // 2 - 1
        shown = picture.convert("RGBA").getpixel((middle, middle))
        assert is_near(shown, (*colour, 255)), one


def test_a_picture_that_lies_is_set_upright_and_does_not_say_where_it_was_taken() -> None:
    content = lying()
    assert b"Secret place" in content
    picture = drawn(content)
    # 40 x 60 in the middle of 128 x 128.
    assert picture.getbbox() == (44, 34, 84, 94)
    assert is_near(picture.getpixel((64, 44)), (*BLUE, 255))
    assert is_near(picture.getpixel((64, 84)), (*RED, 255))
    assert not any(b"Secret place" in one.content for one in thumbnails_of(content))


def test_a_small_picture_is_not_enlarged_and_a_large_one_is_not_cut() -> None:
    assert drawn(saved(red(size=(20, 10)), "PNG")).getbbox() == (54, 59, 74, 69)
    large = saved(red(size=(2_000, 1_000)), "JPEG")
    assert drawn(large).getbbox() == (0, 32, 128, 96)
    assert drawn(saved(red(size=(1, 9_000)), "PNG")).getbbox() == (63, 0, 64, 128)
    assert drawn(large, side=512, media_type="image/webp").getbbox() == (0, 128, 512, 384)


def test_what_was_transparent_stays_so() -> None:
    for form in ("GIF", "PNG"):
        assert drawn(with_hole(form)).getbbox() == (39, 44, 94, 84)


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_picture_is_refused_with_one_sentence(kind: str) -> None:
    make, sentence = HOSTILE[kind]
    with pytest.raises(UnusablePicture) as refused:
        thumbnails_of(make())
    said = str(refused.value)
    assert sentence in said
    assert said.startswith("The picture cannot be used: ")
    assert said.endswith(".")
    assert "\n" not in said


def test_what_its_header_shows_is_refused_before_anything_is_decoded() -> None:
    for kind in ("a bomb", "a small bomb", "a PNG that moves", "a huge profile, JPEG", "SVG"):
        with pytest.raises(UnusablePicture):
            refuse_unusable(HOSTILE[kind][0]())
    refuse_unusable(HOSTILE["a PNG without its data"][0]())


def test_damage_anywhere_ends_in_thumbnails_or_in_the_sentence() -> None:
    chance = random.Random(16)
    for form in ("PNG", "JPEG", "GIF", "WEBP"):
        sound = saved(red(size=(24, 16)), form)
        for _ in range(12):
            damaged = bytearray(sound)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            del damaged[chance.randrange(len(damaged) // 2, len(damaged) + 1) :]
            with suppress(UnusablePicture):
                assert len(thumbnails_of(bytes(damaged))) == 6
