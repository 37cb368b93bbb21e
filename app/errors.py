"""The errors a person meets. The message says what is wrong, with which value, and what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar


class GroundworkError(Exception):
    """Base of every error this project raises on purpose.

    `status` is what the HTTP API answers with; `code` is the stable name a client can match on; after
    `retry_after` seconds trying again can succeed, where that is known.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal_error"
    retry_after: int | None = None


class InvalidInput(GroundworkError):
    """What was sent cannot be used as it is."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid_input"


class Unauthorized(GroundworkError):
    """Whoever asks has not shown who that is."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"


class NotFound(GroundworkError):
    """The thing asked for does not exist, or not for this caller."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class Conflict(GroundworkError):
    """The thing exists, but is in a state that does not allow what was asked."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class Unavailable(GroundworkError):
    """Something this answer depends on is down; trying again later can succeed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
