"""Forms as browsers send them without JavaScript."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
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
#: For how long something can be asked for, as people say it.
SPANS = (
    ("1 hour", timedelta(hours=1)),
    ("4 hours", timedelta(hours=4)),
    ("1 day", timedelta(days=1)),
    ("1 week", timedelta(weeks=1)),
    ("30 days", timedelta(days=30)),
)


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


def times_ahead() -> list[tuple[str, str]]:
    """Times until which something can be asked for. Not spans: the same form sent twice says the same."""
    now = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    return [(f"{name}, until {now + span:%Y-%m-%d %H:%M}", (now + span).isoformat()) for name, span in SPANS]


def time_in(form: Mapping[str, str], field: str = "until") -> datetime:
    """The time that the page put into a form. Raises `InvalidFields`."""
    found: datetime | None = None
    with suppress(ValueError):
        found = datetime.fromisoformat(form.get(field, ""))
    if found is None or found.tzinfo is None:
        detail = "Choose one of the times that the page offers; nothing was done"
        raise InvalidFields([FieldError(detail=detail, parameter=field)])
    return found


def once_in(form: Mapping[str, str]) -> str:
    """What a page made anew for its form, so that it counts once. Raises `InvalidFields`."""
    given = form.get("once", "")
    if not ONCE.fullmatch(given):
        detail = "This is not the form of the page; open it anew. Nothing was done"
        raise InvalidFields([FieldError(detail=detail, parameter="once")])
    return given
