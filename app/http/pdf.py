"""An answer that is a PDF, unless the caller has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Response, status

from app.http.etags import is_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request

MEDIA_TYPE = "application/pdf"
#: What a route says of it.
AS_PDF: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"content": {MEDIA_TYPE: {}}}, 304: {"description": "It is what the caller has."}},
}


def pdf_answer(request: Request, content: Callable[[], bytes], *, sha256: str, name: str) -> Response:
    """The PDF, to be saved under that name; its ETag is its SHA-256, in hex."""
    etag = f'"{sha256}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if is_known(request.headers, etag=etag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(content(), media_type=MEDIA_TYPE, headers=headers)
