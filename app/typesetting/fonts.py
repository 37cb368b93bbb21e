"""The fonts that come with the package, and which characters they have."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent / "fonts"
#: What the font of a layout lacks comes from the first of them that has it: Latin, Greek, Cyrillic; Arabic;
#: Hebrew; Armenian, Georgian, arrows and other signs; Chinese, Japanese and Korean.
FAMILIES = ("Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "DejaVu Sans", "Droid Sans Fallback")
#: They choose between forms of the character before them, and are nothing to be seen themselves.
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x180B, 0x1810))
_JOINERS = frozenset("\u200c\u200d")


def visible(text: str) -> str:
    """`text`, with the code of each character that no font has in its place, such as [U+0E01].

    A reader is to see that something stands there; and PDF/A has no place for a character without a glyph.
    """
    if text.isascii():
        return text
    return "".join(_visible(cluster) for cluster in _clusters(text))


def _clusters(text: str) -> Iterator[str]:
    """Characters with the marks on them, which have to be of one font."""
    begin = 0
    for at, character in enumerate(text):
        if at > begin and character not in _JOINERS and not category(character).startswith("M"):
            yield text[begin:at]
            begin = at
    yield text[begin:]


def _visible(cluster: str) -> str:
    shown = "".join(one for one in cluster if not any(ord(one) in selectors for selectors in _SELECTORS))
    needed = {ord(one) for one in shown if one not in _JOINERS}
    if any(needed <= font for font in coverage()):
        return shown
    base, marks = shown[:1], shown[1:]
    is_there = any(ord(base) in font for font in coverage())
    return (base if is_there else _code(base)) + "".join(_code(mark) for mark in marks)


def _code(character: str) -> str:
    return character if character in _JOINERS else f"[U+{ord(character):04X}]"


@cache
def coverage() -> tuple[frozenset[int], ...]:
    """The characters that each of the fonts has."""
    from fontTools.ttLib import TTFont

    found = []
    for path in sorted(FOLDER.glob("*-Regular.ttf")):
        with TTFont(path, lazy=True) as font:
            found.append(frozenset(font.getBestCmap()))
    return tuple(found)
