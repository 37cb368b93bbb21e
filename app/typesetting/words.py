"""Places to break in words that are longer than a line."""

from __future__ import annotations

_BREAK = "\N{ZERO WIDTH SPACE}"


def breakable(text: str, *, longest: int) -> str:
    """Text whose words may be broken after each `longest` characters."""
    return " ".join(_BREAK.join(_parts(word, longest)) for word in text.split(" "))


def _parts(word: str, longest: int) -> list[str]:
    return [word[at : at + longest] for at in range(0, len(word), longest)]
