"""The fonts that come with the package, and which characters they have."""

from __future__ import annotations

from functools import cache
from pathlib import Path

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
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if code in covered() or character in _JOINERS:
        return character
    if any(code in selectors for selectors in _SELECTORS):
        return ""
    return f"[U+{code:04X}]"


@cache
def covered() -> frozenset[int]:
    """The characters that the fonts have between them."""
    from fontTools.ttLib import TTFont

    found: set[int] = set()
    for path in sorted(FOLDER.glob("*-Regular.ttf")):
        with TTFont(path, lazy=True) as font:
            found.update(font.getBestCmap())
    return frozenset(found)
