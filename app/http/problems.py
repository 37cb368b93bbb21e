"""Every error of the API as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.db import outages
from app.errors import GroundworkError, Unavailable
from app.http.routing import MethodNotAllowed, methods_at
from app.values.field_errors import FieldError, InvalidFields, count_unlisted, listed, pointer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastapi import FastAPI, Request
    from starlette.types import ASGIApp, Scope

    #: How a door answers whom it does not let in.
    Refuse = Callable[[Scope, GroundworkError], ASGIApp]

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_TEXT = {"type": "string"}
_PLACE = dict.fromkeys(("detail", "pointer", "parameter", "header"), _TEXT)
_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        **dict.fromkeys(("type", "title", "code", "detail", "request_id"), _TEXT),
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {"type": "object", "properties": _PLACE}},
        "more_errors": {"type": "integer"},
    },
}
#: What any route may answer, for the API's description.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status in (400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 422, 429, 431, 500, 503)
}
RETRY_AFTER_SECONDS = 5
#: What a caller is told to wait, by the status of the answer.
RETRY_AFTER = {HTTPStatus.SERVICE_UNAVAILABLE: RETRY_AFTER_SECONDS, HTTPStatus.TOO_MANY_REQUESTS: 1}


class DatabaseDown(Unavailable):
    """Raised in place of what the driver said, which may name hosts and users."""

    code = "database_unavailable"

    def __init__(self) -> None:
        super().__init__("The database does not answer. Try again in a few seconds.")


def document_of(*, status: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    """A problem document."""
    return {
        "type": f"urn:groundwork:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        **members,
    }


def respond(
    scope: Scope,
    *,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    """A problem document for the request of `scope`."""
    state = scope.setdefault("state", {})
    # For whoever observes the request.
    state["problem_code"] = code
    members["request_id"] = state.get("request_id")
    document = document_of(status=status, code=code, detail=detail, **members)
    return JSONResponse(document, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def respond_unforeseen(scope: Scope) -> JSONResponse:
    """The answer to a request that met an error nobody thought of; the log knows which."""
    detail = "Something went wrong in the service, not in the request. Its log has it under the request id."
    return respond(scope, status=500, code="internal_error", detail=detail)


def respond_to(scope: Scope, error: GroundworkError) -> JSONResponse:
    """The problem document of an error of this project."""
    headers: dict[str, str] = {}
    if error.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _challenge(scope, code=error.code)
    if error.status in RETRY_AFTER:
        headers["Retry-After"] = str(error.retry_after or RETRY_AFTER[error.status])
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = error.allow
    members: dict[str, Any] = {}
    if isinstance(error, InvalidFields):
        members["errors"] = [found.as_json() for found in error.errors]
        if error.more:
            members["more_errors"] = error.more
    return respond(scope, status=error.status, code=error.code, detail=str(error), headers=headers, **members)


def _challenge(scope: Scope, *, code: str) -> str:
    known = "" if code == "missing_token" else ', error="invalid_token"'
    # A browser asks for a password, which lets a person read the description; scripts are not asked.
    accepts = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    basic = ', Basic realm="groundwork", charset="UTF-8"' if b"text/html" in accepts else ""
    return f'Bearer realm="groundwork"{known}{basic}'


def _request_error(problem: Any) -> FieldError:
    kind, *path = problem["loc"]
    if kind == "body":
        return FieldError(detail=problem["msg"], pointer=pointer_of(path))
    if kind == "header":
        return FieldError(detail=problem["msg"], header=str(path[0]))
    return FieldError(detail=problem["msg"], parameter=str(path[0]) if path else kind)


def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GroundworkError)  # noqa: S101 (it is registered for this class)
    if error.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    return respond_to(request.scope, error)


def _on_unforeseen(request: Request, error: Exception) -> JSONResponse:
    """What comes here was raised around the middleware that logs; gunicorn passes over it in silence."""
    log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    return respond_unforeseen(request.scope)


def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found, more = listed(error.errors()), count_unlisted(error.errors())
    return respond_to(request.scope, InvalidFields([_request_error(one) for one in found], more=more))


def _on_database_error(request: Request, error: Exception) -> JSONResponse:
    if not outages.is_transient(error):
        raise error
    log.warning("database_unavailable", error=str(error))
    return respond_to(request.scope, DatabaseDown())


def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    path = request.scope["path"]
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        # Each route by itself only names its own.
        allowed = methods_at(request.scope)
        return respond_to(request.scope, MethodNotAllowed(path=path, method=request.method, allowed=allowed))
    detail = f"{path}: {status.phrase.lower()}."
    if status is HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {path}."
    return respond(request.scope, status=status, code=status.name.lower(), detail=detail, headers=headers)


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document."""
    app.add_exception_handler(Exception, _on_unforeseen)
    app.add_exception_handler(GroundworkError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    for kind in outages.ERRORS:
        app.add_exception_handler(kind, _on_database_error)
