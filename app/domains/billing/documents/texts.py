"""Text of others as a document takes it: any script, and nothing that moves what stands beside it."""

from __future__ import annotations

import unicodedata

from app.domains.billing.documents.errors import TextNotPrintable, TextTooLong
from app.values.text import one_line, several_lines

#: Of a document: it stands at the head and the foot of each page.
MAX_NUMBER = 60
MAX_NAME = 300
MAX_DESCRIPTION = 1_000
MAX_NOTE = 4_000
#: The joiners, with which Arabic, Persian and Indic scripts spell. All else that Unicode calls a format
#: character is left out: it cannot be seen, and turns the order of what can.
_SPELLING = frozenset("\u200c\u200d")
#: The last two of each plane, and a block: what XML and fonts have no place for.
_NONCHARACTERS = range(0xFDD0, 0xFDF0)
_LAST_TWO = 0xFFFE


def line(text: str, *, what: str, limit: int = MAX_NAME) -> str:
    """`text` as one line. Raises `TextTooLong` or `TextNotPrintable`."""
    _check(text, what=what, limit=limit)
    try:
        checked = one_line(text)
    except ValueError as error:
        raise TextNotPrintable(what=what, problem=str(error)) from None
    return _without_commands(checked)


def optional_line(text: str | None, *, what: str, limit: int = MAX_NAME) -> str | None:
    """As `line`; no text, or an empty one, is none."""
    return line(text, what=what, limit=limit) if text and text.strip() else None


def paragraph(text: str, *, what: str, limit: int = MAX_NOTE) -> str:
    """As `line`, where lines may end."""
    _check(text, what=what, limit=limit)
    try:
        checked = several_lines(text)
    except ValueError as error:
        raise TextNotPrintable(what=what, problem=str(error)) from None
    return "\n".join(_without_commands(one) for one in checked.split("\n"))


def optional_paragraph(text: str | None, *, what: str, limit: int = MAX_NOTE) -> str | None:
    """As `paragraph`; no text, or an empty one, is none."""
    return paragraph(text, what=what, limit=limit) if text and text.strip() else None


def is_rtl(text: str) -> bool:
    """Whether it is read from the right: by its first letter that has a direction (UAX 9, P2 and P3)."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((one for one in directions if one in {"L", "R", "AL"}), "L") != "L"


def _check(text: str, *, what: str, limit: int) -> None:
    if len(text) > limit:
        raise TextTooLong(what=what, length=len(text), limit=limit)
    for character in text:
        if ord(character) in _NONCHARACTERS or ord(character) & _LAST_TWO == _LAST_TWO:
            problem = f"it holds U+{ord(character):04X}, which is no character; remove it"
            raise TextNotPrintable(what=what, problem=problem)


def _without_commands(text: str) -> str:
    seen = (one for one in text if one in _SPELLING or unicodedata.category(one) != "Cf")
    return " ".join("".join(seen).split())
