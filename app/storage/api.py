"""The HTTP route that gives the file of a signed link to whoever has it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.http.etags import is_known
from app.storage.downloads import Download, refuse_when_full
from app.storage.errors import NoSuchFile, UnusableLink
from app.storage.files import Found
from app.storage.links import MAX_TOKEN, PATH, Link, verified
from app.storage.ranges import NotSatisfiable, Span, wanted
from app.storage.stores import store
from app.tokens.open_paths import open_to_strangers

open_to_strangers(PATH)

router = APIRouter(tags=["files"])


@router.get(PATH, response_class=Response)
async def download(token: Annotated[str, Query(max_length=MAX_TOKEN)], request: Request) -> Response:
    """Download the file of a link. A link is for one file and a time, and needs no token besides its own.

    Part of the file is given for `Range`, so that a download that broke off can go on.
    """
    given = verified(token)
    refuse_when_full()
    return await run_in_threadpool(_answer, given, request.headers)


def _answer(given: Link, headers: Mapping[str, str]) -> Response:
    try:
        return _of_file(given, store().found(given.key), headers)
    except NoSuchFile:
        # A link to what is not there is answered as one that was never good.
        raise UnusableLink from None


def _of_file(given: Link, found: Found, headers: Mapping[str, str]) -> Response:
    etag = f'"{found.tag}"'
    said = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-store"}
    if is_known(headers, etag=etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=said)
    try:
        part = wanted(headers, size=found.size, etag=etag)
    except NotSatisfiable:
        said["Content-Range"] = f"bytes */{found.size}"
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=said)
    said |= {
        "Content-Disposition": given.disposition,
        # What is in the file is somebody else's, and never runs as a page of this host.
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if part is None:
        span, status = Span(start=0, length=found.size), HTTPStatus.OK
    else:
        span, status = part, HTTPStatus.PARTIAL_CONTENT
        said["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{found.size}"
    chunks = store().chunks(given.key, start=span.start, tag=found.tag)
    return Download(chunks, length=span.length, status=status, media_type=given.media_type, headers=said)
