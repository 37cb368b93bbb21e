"""The plain requests of the two routes that are asked most: FastAPI does as much around these as they do.

Whatever is not plain, or not right, is left to FastAPI's way, which refuses it with its place.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.responses import Response

from app.http.bodies import DOCUMENT
from app.http.raw_headers import header
from app.jobs.declaration import registry
from app.jobs.scopes import READ, WRITE
from app.jobs.web import gathering, pages, permissions, readers, schemas, submit

if TYPE_CHECKING:
    from starlette.types import Scope

    from app.tokens.callers import Caller

JSON = "application/json"


async def submit_job(scope: Scope) -> Response | None:
    """Accept the plain job that a token asks for without a key."""
    gatherer, caller = gathering.current(), _token(scope, may=WRITE)
    if gatherer is None or caller is None or header(scope, b"idempotency-key") is not None:
        return None
    try:
        request = schemas.JobRequest.model_validate(scope["state"].get(DOCUMENT))
    except ValidationError:
        return None
    permissions.require_tasks(registry.known([request.task]), caller=caller)
    job = submit.plain_job(submit.Submission(request=request))
    return None if job is None else accepted((await gatherer.accept(job)).id, task=request.task)


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
