"""The plain requests of the two routes that are asked most: FastAPI does as much around these as they do.

Whatever is not plain, or not right, is left to FastAPI's way, which refuses it with its place.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.responses import Response

from app.http.bodies import DOCUMENT
from app.jobs.declaration import registry
from app.jobs.scopes import READ, WRITE
from app.jobs.web import idempotency, pages, permissions, readers, schemas, submit

if TYPE_CHECKING:
    from starlette.types import Scope

    from app.tokens.callers import Caller

JSON = "application/json"
KEY_HEADER = b"idempotency-key"
KEY = re.compile(schemas.KEY_PATTERN.encode())


async def submit_job(scope: Scope) -> Response | None:
    """Accept the plain job that a token asks for."""
    caller, keys = _token(scope, may=WRITE), [value for name, value in scope["headers"] if name == KEY_HEADER]
    if caller is None or len(keys) > 1 or not all(map(KEY.fullmatch, keys)):
        return None
    try:
        request = schemas.JobRequest.model_validate(scope["state"].get(DOCUMENT))
    except ValidationError:
        return None
    permissions.require_tasks(registry.known([request.task]), caller=caller)
    key = idempotency.key_of(caller, keys[0].decode() if keys else None)
    answer = await submit.submit_gathered(submit.Submission(request=request, key=key))
    return answer and accepted(answer.id, task=request.task, replayed=not answer.created)


def accepted(job_id: str, *, task: str, replayed: bool = False) -> Response:
    """The answer to one accepted job."""
    url = f"/api/v1/jobs/{job_id}"
    headers = {"Location": url} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return Response(json.dumps({"id": job_id, "task": task, "url": url}), HTTPStatus.ACCEPTED, headers, JSON)


async def list_jobs(scope: Scope) -> Response | None:
    """The newest jobs, so many as a token asks for."""
    along, caller = readers.current(), _token(scope, may=READ)
    name, _, value = scope["query_string"].partition(b"=")
    if along is None or caller is None or name != b"limit" or not value.isdigit():
        return None
    try:
        query = schemas.ListQuery.model_validate({"limit": value.decode()})
    except ValidationError:
        return None
    page = await along.read(pages.Page(limit=query.limit, cursor=None, caller=caller))
    return None if page is None else Response(page, media_type=JSON)


def _token(scope: Scope, *, may: str) -> Caller | None:
    """Who asks by an API token; of a person it depends on more what they may."""
    caller: Any = scope["state"].get("caller")
    return caller if caller is not None and caller.user_id is None and caller.may(may) else None
