"""The kinds that alerts may have. Who raises some declares them in a module `alerting`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.packages import modules

if TYPE_CHECKING:
    from collections.abc import Iterable

_KINDS: set[str] = set()


def declare_kinds(names: Iterable[str]) -> None:
    """Make `names` kinds of alerts."""
    _KINDS.update(names)


def known_kinds() -> frozenset[str]:
    """Every kind that this release may raise."""
    modules("alerting")
    return frozenset(_KINDS)
