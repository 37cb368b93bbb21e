"""A POST to a URL of the operator's: bounded in time and size, and never led elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.logs.masking import excerpt
from app.outbound.bounded_http import Bounds, NoReply, NotReached, call
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.retry_after import pause_asked_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.outbound.bounded_http import Reply
    from app.outbound.deliveries.outcome import HandOver

CONNECT_TIMEOUT = timedelta(seconds=5)
SILENCE = timedelta(seconds=10)
#: Of the whole call, however slowly an answer drips.
DEADLINE = timedelta(seconds=15)
#: More of an answer is not read; both protocols need a few bytes.
MAX_ANSWER_BYTES = 4_096


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back with a status of success."""

    status: int
    text: str


def name_of(kind: str, url: str) -> str:
    """How a URL is called: its host, and a few digits that tell it from others there."""
    return f"{kind} {_host(url)} {hashlib.sha256(url.encode()).hexdigest()[:6]}"


def post(url: str, *, body: bytes, headers: Mapping[str, str], handover: HandOver) -> Answer:
    """Send `body` once. Raises `NotSent`, `Refused` or `OutcomeUnknown`; none of them holds the URL."""
    bounds = Bounds(connect=CONNECT_TIMEOUT, silence=SILENCE, deadline=DEADLINE, max_bytes=MAX_ANSWER_BYTES)
    wanted = {"Content-Type": "application/json", **headers}
    try:
        answer = call("POST", url, bounds=bounds, begin=handover.begin, content=body, headers=wanted)
    except NotReached as error:
        raise NotSent(f"{_host(url)} cannot be reached: {excerpt(error, hiding=[url])}") from None
    except NoReply as error:
        raise OutcomeUnknown(f"{_host(url)} did not answer: {excerpt(error, hiding=[url])}.") from None
    text = answer.body.decode(errors="replace")
    if answer.is_success:
        return Answer(status=answer.status, text=text)
    raise _refusal(answer, text, url=url)


def _refusal(answer: Reply, text: str, *, url: str) -> Exception:
    said = f"{_host(url)} answered {answer.status}: {excerpt(text or answer.reason, hiding=[url])}"
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.is_server_error:
        return NotSent(said, after=pause_asked_for(answer.headers.get("retry-after", "")))
    if answer.is_redirect:
        return Refused(
            f"{_host(url)} answered {answer.status}, a redirect, which is not followed: "
            "set the URL that it leads to."
        )
    return Refused(said)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
