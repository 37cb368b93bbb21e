"""What a person who signs in is to the service."""

from __future__ import annotations

from enum import StrEnum

from app.domains.accounts.scopes import OWN, WRITE
from app.tokens.scope import EVERYTHING, is_personal, known_scopes


class Role(StrEnum):
    """What somebody may do, from little to much. Whoever has none does not sign in.

    What is somebody's own is open to them whatever their role is: see `app.tokens.owners`.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


#: What only an administrator may do: to give others a way in.
_OF_ADMINS = frozenset({EVERYTHING, WRITE})


def scopes_of(role: Role) -> frozenset[str]:
    """The scopes that somebody with `role` has, those of domains added later included.

    A viewer reads what is nobody's own, an operator does all that runs the service, and neither reads what
    belongs to other people.
    """
    if role is Role.ADMIN:
        return frozenset({EVERYTHING})
    readable = {scope for scope in known_scopes() if scope.endswith(":read") and not is_personal(scope)}
    if role is Role.VIEWER:
        return frozenset(readable | {OWN})
    changeable = {scope for scope in known_scopes() if not scope.endswith(":read")}
    return frozenset(readable | changeable) - _OF_ADMINS
