"""What shows who a request is from: an API token, or what packages add beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import GroundworkError, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request
    from sqlalchemy.orm import Session
    from starlette.types import Scope

    from app.tokens.callers import Caller


class CsrfRefused(GroundworkError):
    """Raised when a browser's cookie alone would change something: a foreign page may have had it sent."""

    status = HTTPStatus.FORBIDDEN
    code = "csrf_refused"

    def __init__(self, *, header: str) -> None:
        super().__init__(f"This needs the CSRF token of the session: send it in the header {header}.")


@dataclass(frozen=True, kw_only=True)
class Credential:
    """Something that shows who a request is from, if the database knows it."""

    secret: str = field(repr=False)
    #: Who that is. Raises `Unauthorized`; it is asked again after a second.
    look_up: Callable[[Session], Caller]


def still_good(request: Request) -> Callable[[Session], bool]:
    """Tells, while a request is being answered, whether it would still be let in and reach as far."""
    credential: Credential = request.state.credential
    admitted: Caller = request.state.caller

    def is_good(session: Session) -> bool:
        try:
            admitted.refuse_expired()
            return credential.look_up(session) == admitted
        except Unauthorized:
            return False

    return is_good


_FINDERS: list[Callable[[Scope], Credential | None]] = []


def also_accept(find: Callable[[Scope], Credential | None]) -> None:
    """Have `find` look at requests without an API token; call it beside the routes that hand out another.

    It raises `Unauthorized` or `CsrfRefused` for a credential of its kind that is no good.
    """
    if find not in _FINDERS:
        _FINDERS.append(find)


def found_in(scope: Scope) -> Credential | None:
    """The credential of a request that is no API token."""
    return next((found for find in _FINDERS if (found := find(scope))), None)
