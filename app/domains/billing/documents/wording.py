"""Text for the template: with what no font has made visible, places to break, and its direction."""

from __future__ import annotations

import re
import unicodedata
from typing import TypedDict

from app.domains.billing.documents.texts import is_rtl
from app.typesetting.fonts import visible

#: Words that a line has no place to end in.
_LONG_WORD = re.compile(r"\S{21,}")
#: A long word may be broken after each so many characters.
_STEP = 5


class Text(TypedDict):
    """A text in parts, between which a line may end, and whether it is read from the right."""

    parts: list[str]
    rtl: bool


def text(value: str) -> Text:
    """A text of one line, as the template takes it.

    A zero-width space would do as well, but readers of the file would find it in place of other blanks.
    """
    shown = visible(value)
    parts, done = [], 0
    for word in _LONG_WORD.finditer(shown):
        for at in range(word.start() + _STEP, word.end(), _STEP):
            if not unicodedata.category(shown[at]).startswith("M"):
                parts.append(shown[done:at])
                done = at
    return {"parts": [*parts, shown[done:]], "rtl": is_rtl(shown)}
