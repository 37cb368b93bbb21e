"""Forms as browsers send them without JavaScript."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from app.errors import GroundworkError
from app.http.bodies import bounded
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 50
ONCE = re.compile(r"[0-9a-f]{32}")


class NotForm(GroundworkError):
    """Raised for a body that no form of a page sends."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__(f"The console takes forms of its own pages alone: {MEDIA_TYPE} in UTF-8.")


async def form_of(request: Request, *, most: int = MAX_FIELDS) -> dict[str, str]:
    """The fields of a form, each once, and at `most` so many."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise NotForm
    arriving, parts, more = bounded(request.scope, request.receive), [], True
    while more:
        message = await arriving()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    try:
        pairs = parse_qsl(
            b"".join(parts).decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=most,
        )
    except ValueError:
        raise NotForm from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidFields([FieldError(detail="A field comes twice; send each once.", parameter="form")])
    return fields


def once_in(form: Mapping[str, str]) -> str:
    """What a page made anew for its form, so that it counts once. Raises `InvalidFields`."""
    given = form.get("once", "")
    if not ONCE.fullmatch(given):
        detail = "This is not the form of the page; open it anew. Nothing was done"
        raise InvalidFields([FieldError(detail=detail, parameter="once")])
    return given
