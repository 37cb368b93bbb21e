"""Idempotency keys of requests: what one may be, and how the ledger knows it."""

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request

from app.errors import GroundworkError
from app.jobs.web import schemas
from app.tokens.callers import Caller


class InvalidIdempotencyKey(GroundworkError):
    """Raised for a key that cannot be one."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_idempotency_key"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key must be sent once, with 1 to 255 printable ASCII characters.")


async def _idempotency_key(request: Request) -> str | None:
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not re.fullmatch(schemas.KEY_PATTERN, given[0]):
        raise InvalidIdempotencyKey
    return given[0]


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]


def key_of(caller: Caller, key: str | None) -> str | None:
    """The key in the ledger: each token has its own keys."""
    return None if key is None else f"api:{caller.token_id}:{key}"
