"""The one rule for all text that a person sees: any script, and no character that is a command."""

from __future__ import annotations

import re
import unicodedata

#: What is refused. Source: Unicode's general categories; Cs is half of a pair and no character at all.
_REFUSED = {"Cc": "the control character", "Cs": "half of a surrogate pair,"}
#: The categories of what can be seen, by first letter: letters, marks, numbers, punctuation, symbols.
_SEEN = frozenset("LMNPS")
_LINES = frozenset("\n\t")
#: Of what somebody wrote, an error repeats no more than this.
SHOWN = 80
#: What a terminal takes for a command; lines may end, and tabs stand.
_MOVES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def one_line(text: str) -> str:
    """`text` in one form (NFC), as one line. Raises `ValueError` with what to do."""
    return _checked(text, allowed=frozenset())


def several_lines(text: str) -> str:
    """As `one_line`, where lines may end and tabs stand; each line ends in a line feed."""
    return _checked(text.replace("\r\n", "\n"), allowed=_LINES)


def has_visible(text: str) -> bool:
    """Whether a person sees anything of `text`."""
    return any(unicodedata.category(character)[0] in _SEEN for character in text)


def _checked(text: str, *, allowed: frozenset[str]) -> str:
    for character in text:
        refused = _REFUSED.get(unicodedata.category(character))
        if refused and character not in allowed:
            raise ValueError(f"it holds {refused} U+{ord(character):04X}; remove it")
    if not has_visible(text):
        raise ValueError("it has no visible character; give at least one letter, digit or sign")
    return unicodedata.normalize("NFC", text)


def quoted(text: str) -> str:
    """The beginning of `text` in quotation marks, fit for a sentence: what cannot be printed is escaped."""
    cut = text[:SHOWN]
    shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in cut)
    return f'"{shown}"' if cut == text else f'"{shown}…"'


def printable(text: str) -> str:
    """`text` without the characters that move a terminal's cursor: it may have been somebody's input."""
    return _MOVES.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
