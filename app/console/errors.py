"""Errors as pages: the sentence that says what is wrong, and what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.console.pages import page
from app.db import outages
from app.errors import GroundworkError
from app.http.problems import RETRY_AFTER, DatabaseDown
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from fastapi import Request
    from starlette.responses import Response
    from starlette.types import Scope

log = structlog.get_logger(__name__)


def refuse(scope: Scope, error: GroundworkError) -> Response:
    """The page of an error of this project."""
    return _page_of(scope, status=error.status, sentence=str(error), code=error.code, pause=error.retry_after)


def unforeseen(scope: Scope) -> Response:
    """The page for an error that nobody thought of; the log knows which."""
    sentence = "Something went wrong in the service, not in the request. Its log has it under the request id."
    return _page_of(scope, status=HTTPStatus.INTERNAL_SERVER_ERROR, sentence=sentence, code="internal_error")


def answer(request: Request, error: Exception) -> Response:
    """The page of whatever a route raised. Raises again what is for the log."""
    scope = request.scope
    if isinstance(error, GroundworkError) and error.status is not HTTPStatus.INTERNAL_SERVER_ERROR:
        return refuse(scope, error)
    if isinstance(error, RequestValidationError):
        return refuse(scope, invalid(error))
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        sentence = f"{scope['path'][:200]}: {status.phrase.lower()}."
        if status is HTTPStatus.NOT_FOUND:
            sentence = f"There is no page at {scope['path'][:200]}."
        return _page_of(scope, status=status, sentence=sentence, code=status.name.lower())
    if outages.is_transient(error):
        log.warning("database_unavailable", error=str(error))
        return refuse(scope, DatabaseDown())
    raise error


def invalid(error: RequestValidationError) -> InvalidFields:
    """What is wrong with the fields of a form or a query, by their names."""
    return InvalidFields(
        [FieldError(detail=one["msg"], parameter=str(one["loc"][-1])) for one in error.errors()]
    )


def _page_of(
    scope: Scope, *, status: HTTPStatus, sentence: str, code: str, pause: int | None = None
) -> Response:
    scope["state"]["problem_code"] = code  # for whoever observes the request
    shown = page(
        scope,
        "error.html.j2",
        status=status,
        title=status.phrase,
        sentence=sentence,
        request_id=scope["state"].get("request_id"),
    )
    if status in RETRY_AFTER:
        shown.headers["Retry-After"] = str(pause or RETRY_AFTER[status])
    return shown
