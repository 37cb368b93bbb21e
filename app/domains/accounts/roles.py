"""What a person who signs in is to the service."""

from __future__ import annotations

from enum import StrEnum

from app.domains.accounts.scopes import OWN, WRITE
from app.tokens.scope import EVERYTHING, known_scopes


class Role(StrEnum):
    """What somebody may do, from little to much. Whoever has none does not sign in."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


#: What only an administrator may do: to give others a way in.
_OF_ADMINS = frozenset({EVERYTHING, WRITE})


def scopes_of(role: Role) -> frozenset[str]:
    """The scopes that somebody with `role` has, those of domains added later included."""
    if role is Role.ADMIN:
        return frozenset({EVERYTHING})
    if role is Role.OPERATOR:
        return frozenset(known_scopes()) - _OF_ADMINS
    return frozenset(scope for scope in known_scopes() if scope.endswith(":read")) | {OWN}
