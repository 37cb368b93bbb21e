"""Which of the known names somebody meant who wrote another one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the `known` names; None where none is similar."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return near[0] if near else None


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """The question whether the most similar of the `known` names was meant; `otherwise` where none is."""
    near = nearest(name, known)
    return f'Did you mean "{near}"?' if near else otherwise
