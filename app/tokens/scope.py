"""Scopes: what a token may do. A package declares its own in a module `scopes`, without the web framework."""

from __future__ import annotations

from app.errors import InvalidInput
from app.packages import modules
from app.values.nearest import did_you_mean

#: Stands for every scope, those of domains added later included.
EVERYTHING = "*"
_SCOPES: dict[str, str] = {EVERYTHING: "Everything."}


class UnknownScope(InvalidInput):
    """Raised for a scope that nothing asks for."""

    code = "unknown_scope"

    def __init__(self, *, scope: str) -> None:
        known = f"The scopes are: {', '.join(sorted(_SCOPES))}."
        hint = f"{did_you_mean(scope, _SCOPES)} {known}".lstrip()
        super().__init__(f'There is no scope "{scope}". {hint}')


def declare_scope(name: str, description: str) -> str:
    """Make `name` a scope that tokens can have; call it in the `scopes` module of a package."""
    _SCOPES[name] = description
    return name


def checked_scope(name: str) -> str:
    """`name`, if it is declared. Raises `UnknownScope`."""
    if name not in _SCOPES:
        raise UnknownScope(scope=name)
    return name


def known_scopes() -> dict[str, str]:
    """Every scope with what it allows."""
    modules("scopes")
    return dict(_SCOPES)
