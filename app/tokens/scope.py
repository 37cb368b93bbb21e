"""Scopes: what a token may do. A package declares its own in a module `scopes`, without the web framework."""

from __future__ import annotations

from app.errors import InvalidInput
from app.packages import modules
from app.values.nearest import did_you_mean

#: Stands for every scope, those of domains added later included.
EVERYTHING = "*"
_SCOPES: dict[str, str] = {EVERYTHING: "Everything."}
_PERSONAL = {EVERYTHING}


class UnknownScope(InvalidInput):
    """Raised for a scope that nothing asks for."""

    code = "unknown_scope"

    def __init__(self, *, scope: str) -> None:
        known = f"The scopes are: {', '.join(sorted(_SCOPES))}."
        hint = f"{did_you_mean(scope, _SCOPES)} {known}".lstrip()
        super().__init__(f'There is no scope "{scope}". {hint}')


def declare_scope(name: str, description: str, *, is_personal: bool = False) -> str:
    """Make `name` a scope that tokens can have; call it in the `scopes` module of a package.

    What is behind a personal one belongs to people: whoever operates the service does not read it.
    """
    _SCOPES[name] = description
    if is_personal:
        _PERSONAL.add(name)
    return name


def is_personal(name: str) -> bool:
    """Whether what is behind the scope `name` belongs to people; everything does."""
    return name in _PERSONAL


def checked_scope(name: str) -> str:
    """`name`, if it is declared. Raises `UnknownScope`."""
    if name not in _SCOPES:
        raise UnknownScope(scope=name)
    return name


def known_scopes() -> dict[str, str]:
    """Every scope with what it allows."""
    modules("scopes")
    return dict(_SCOPES)
