"""The one rule for all text that a person sees: any script, and no character that is a command."""

from __future__ import annotations

import unicodedata

#: What is refused. Source: Unicode's general categories; Cs is half of a pair and no character at all.
_REFUSED = {"Cc": "the control character", "Cs": "half of a surrogate pair,"}
#: The categories of what can be seen, by first letter: letters, marks, numbers, punctuation, symbols.
_SEEN = frozenset("LMNPS")
_LINES = frozenset("\n\t")


def one_line(text: str) -> str:
    """`text` in one form (NFC), as one line. Raises `ValueError` with what to do."""
    return _checked(text, allowed=frozenset())


def several_lines(text: str) -> str:
    """As `one_line`, where lines may end and tabs stand; each line ends in a line feed."""
    return _checked(text.replace("\r\n", "\n"), allowed=_LINES)


def _checked(text: str, *, allowed: frozenset[str]) -> str:
    for character in text:
        refused = _REFUSED.get(unicodedata.category(character))
        if refused and character not in allowed:
            raise ValueError(f"it holds {refused} U+{ord(character):04X}; remove it")
    if not any(unicodedata.category(character)[0] in _SEEN for character in text):
        raise ValueError("it has no visible character; give at least one letter, digit or sign")
    return unicodedata.normalize("NFC", text)
