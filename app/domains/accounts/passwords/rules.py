"""Which passwords may be chosen, and the one form in which each is hashed.

Sources: NIST SP 800-63B-4, 3.1.1.2, for lengths and lists; RFC 8265, 4.2 (OpaqueString), for the form.
There are no rules of composition: any script, spaces and signs may be in a password, or not.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from app.domains.accounts.passwords.breached import is_breached
from app.domains.accounts.passwords.errors import UnusablePassword, WeakPassword
from app.domains.accounts.passwords.guessable import GUESSABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The password is all that a person shows. Each code point counts as one character.
MIN_LENGTH = 15
#: Longer than any phrase, and short enough that a hash takes no longer for it.
MAX_LENGTH = 256
#: A password that repeats no more characters than this is as easy to guess as they are.
MAX_REPEATED = 4
#: What nobody can type. Source: Unicode's general categories.
_REFUSED = {"Cc": "the control character", "Cs": "half of a surrogate pair,"}


def prepared(password: str) -> str:
    """The form of `password` that is hashed, alike for all keyboards. Raises `UnusablePassword`."""
    if len(password) > MAX_LENGTH:
        raise UnusablePassword(problem=f"it has over {MAX_LENGTH} characters")
    form = unicodedata.normalize("NFC", "".join(_typed(character) for character in password))
    if len(form) > MAX_LENGTH:
        raise UnusablePassword(problem=f"it has over {MAX_LENGTH} characters in normal form (NFC)")
    return form


def refuse_weak(password: str, *, about: Iterable[str]) -> None:
    """Raise `WeakPassword` unless the prepared `password` may be chosen by whom `about` names."""
    if len(password) < MIN_LENGTH:
        raise WeakPassword(
            problem=f"it has {len(password)} characters; give {MIN_LENGTH} or more, such as a few words"
        )
    part = _repeated_part(password.casefold())
    if len(part) <= MAX_REPEATED:
        raise WeakPassword(problem="it repeats a few characters")
    if part in GUESSABLE or is_breached(password):
        raise WeakPassword(problem="it is on a list of passwords that others have used")
    if part in {text.casefold() for known in about for text in (known, known.partition("@")[0])}:
        raise WeakPassword(problem="it is the name or the address of its owner")


def _typed(character: str) -> str:
    category = unicodedata.category(character)
    if refused := _REFUSED.get(category):
        raise UnusablePassword(problem=f"it holds {refused} U+{ord(character):04X}")
    return " " if category == "Zs" else character


def _repeated_part(text: str) -> str:
    """The shortest beginning of `text` that, repeated, makes it: abcab is a part of abcabc..."""
    for length in range(1, len(text)):
        if all(text[place] == text[place - length] for place in range(length, len(text))):
            return text[:length]
    return text
