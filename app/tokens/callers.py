"""Callers of the API: what one may do, how a route asks for it, how one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from app.errors import GroundworkError, Unauthorized
from app.tokens.owners import Owner, Reach
from app.tokens.scope import EVERYTHING, checked_scope
from app.values.path_parameters import Id

if TYPE_CHECKING:
    from collections.abc import Callable


class MissingToken(Unauthorized):
    """Raised when a request carries no token."""

    code = "missing_token"

    def __init__(self) -> None:
        super().__init__("This needs an API token: send the header Authorization: Bearer gw_...")


class InvalidToken(Unauthorized):
    """Raised alike for a malformed, an unknown and a revoked token."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("The API token is not known. Ask for a new one.")


class ExpiredToken(Unauthorized):
    """Raised to the holder of a token that has ended."""

    code = "expired_token"

    def __init__(self, *, at: datetime) -> None:
        super().__init__(f"The API token expired at {at.isoformat()}. Ask for a new one.")


class MissingScope(GroundworkError):
    """Raised when a token is good, but not for this."""

    status = HTTPStatus.FORBIDDEN
    code = "missing_scope"

    def __init__(self, *, scope: str) -> None:
        super().__init__(f"This needs a token with the scope {scope}.")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who makes a request, as its token or its session says."""

    token_id: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    #: Of a person who signed in; an API token has neither.
    user_id: int | None = None
    session_id: str | None = None

    @property
    def only_user(self) -> int | None:
        """The user whose data alone this caller reaches; None for tokens and administrators."""
        return None if EVERYTHING in self.scopes else self.user_id

    @property
    def is_stranger(self) -> bool:
        """Whether nothing is known of who asks."""
        return not self.token_id

    def may(self, scope: str) -> bool:
        """Whether `scope` is granted."""
        return scope in self.scopes or EVERYTHING in self.scopes

    def refuse_expired(self) -> None:
        """Raise `ExpiredToken` when the token has ended."""
        if self.expires_at is not None and self.expires_at <= datetime.now(UTC):
            raise ExpiredToken(at=self.expires_at)


#: Who asks a route that is open to all.
STRANGER = Caller(token_id="", name="stranger", scopes=frozenset(), expires_at=None)


def _refuse_persons(_me: int) -> None:
    raise MissingScope(scope=EVERYTHING)


#: A route that does not say whose data it deals with is closed to those who would reach only their own.
UNDECLARED = Owner(says="Nobody has said.", refuse_others=_refuse_persons)


def require(scope: str, owner: Owner = UNDECLARED) -> Any:
    """A FastAPI dependency: the caller, refused unless the route is open to them.

    A token needs `scope`, which is 403 without it. A person who signed in needs it where `owner` goes by the
    scope, and otherwise reaches what `owner` says is theirs.
    """
    checked_scope(scope)

    # Not in a thread: most routes ask for no more than this, which looks at nothing.
    async def scoped(request: Request) -> Caller:
        found: Caller = request.state.caller
        refuse_unscoped(found, scope=scope, owner=owner)
        request.state.reach = _reach_of(found, owner)
        return found

    dependency: Any = scoped if owner.refuse_others is None else _owned(owner, scoped)
    # For the API's description and the test that walks all routes.
    dependency.scope = scope
    dependency.owner = owner
    return dependency


def refuse_unscoped(caller: Caller, *, scope: str, owner: Owner) -> None:
    """Raise `MissingScope` for a caller who may not even ask, whatever it is about."""
    if (caller.user_id is None or owner.by_scope) and not caller.may(scope):
        raise MissingScope(scope=scope)


def _reach_of(caller: Caller, owner: Owner) -> Reach | None:
    if caller.user_id is None:
        return None
    if caller.only_user is None and owner.reaches_others:
        return Reach.EVERYBODYS
    return None if owner.by_scope else Reach.OWN


def _owned(owner: Owner, scoped: Callable[..., Any]) -> Callable[..., Caller]:
    """The dependency that also looks whose it is, once the scope is there and the ids are ids."""

    def owned(found: Caller, **ids: int) -> Caller:
        if found.only_user is not None and owner.refuse_others is not None:
            owner.refuse_others(found.only_user, **ids)
        return found

    annotations = {"found": Annotated[Caller, Depends(scoped)], **dict.fromkeys(owner.ids, Id)}
    owned.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in annotations.items()]
    )
    return owned
