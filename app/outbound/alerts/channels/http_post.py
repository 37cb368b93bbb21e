"""A POST to a URL of the operator's: bounded in time and size, and never led elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from app.logs.masking import excerpt
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.retry_after import pause_asked_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.outbound.deliveries.outcome import HandOver

TIMEOUT = httpx.Timeout(10, connect=5)
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
    try:
        answer, content = asyncio.run(_post(url, body=body, headers=headers, handover=handover))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError) as error:
        raise NotSent(f"{_host(url)} cannot be reached: {_said(error, url)}") from None
    except (httpx.TransportError, TimeoutError) as error:
        raise OutcomeUnknown(f"{_host(url)} did not answer: {_said(error, url)}.") from None
    text = content.decode(errors="replace")
    if answer.is_success:
        return Answer(status=answer.status_code, text=text)
    raise _refusal(answer, text, url=url)


async def _post(
    url: str, *, body: bytes, headers: Mapping[str, str], handover: HandOver
) -> tuple[httpx.Response, bytes]:
    # Without compression, a few bytes cannot become many.
    wanted = {"Content-Type": "application/json", "Accept-Encoding": "identity", **headers}
    content = b""
    async with (
        asyncio.timeout(DEADLINE.total_seconds()),
        httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client,
    ):
        request = client.build_request("POST", url, content=body, headers=wanted)
        handover.begin()
        answer = await client.send(request, stream=True)
        async for part in answer.aiter_raw():
            content += part
            if len(content) >= MAX_ANSWER_BYTES:
                break
        await answer.aclose()
    return answer, content[:MAX_ANSWER_BYTES]


def _refusal(answer: httpx.Response, text: str, *, url: str) -> Exception:
    said = (
        f"{_host(url)} answered {answer.status_code}: {excerpt(text or answer.reason_phrase, hiding=[url])}"
    )
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.is_server_error:
        return NotSent(said, after=pause_asked_for(answer.headers.get("retry-after", "")))
    if answer.is_redirect:
        return Refused(
            f"{_host(url)} answered {answer.status_code}, a redirect, which is not followed: "
            "set the URL that it leads to."
        )
    return Refused(said)


def _said(error: Exception, url: str) -> str:
    return excerpt(error, hiding=[url]) or type(error).__name__


def _host(url: str) -> str:
    return httpx.URL(url).host
