"""Forms as browsers send them without JavaScript."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from app.errors import GroundworkError
from app.http.bodies import bounded
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from fastapi import Request

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 50


class NotForm(GroundworkError):
    """Raised for a body that no form of a page sends."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__(f"The console takes forms of its own pages alone: {MEDIA_TYPE} in UTF-8.")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, each once."""
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
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise NotForm from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidFields([FieldError(detail="A field comes twice; send each once.", parameter="form")])
    return fields
