"""The client behind `app.outbound.bounded_http`, which is loaded by whoever asks."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from app.outbound.bounded_http import NoReply, NotReached, Reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from app.outbound.bounded_http import Bounds

PART_BYTES = 64 * 1024


class _Parts:
    """A large body in parts."""

    def __init__(self, content: memoryview) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), PART_BYTES):
            yield bytes(self._content[start : start + PART_BYTES])


def call(method: str, url: str, *, bounds: Bounds, begin: Callable[[], None], **request: Any) -> Reply:
    """As `app.outbound.bounded_http.call`."""
    try:
        return asyncio.run(_call(method, url, bounds=bounds, begin=begin, **request))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError) as error:
        raise NotReached(_said(error)) from None
    except (httpx.TransportError, TimeoutError) as error:
        raise NoReply(_said(error)) from None


async def _call(
    method: str, url: str, *, bounds: Bounds, begin: Callable[[], None], headers: Any = None, **request: Any
) -> Reply:
    # Without compression, a few bytes cannot become many.
    wanted = {"Accept-Encoding": "identity", **(headers or {})}
    content = request.get("content")
    if isinstance(content, memoryview):
        request["content"] = _Parts(content)
        wanted["Content-Length"] = str(len(content))
    timeout = httpx.Timeout(bounds.silence.total_seconds(), connect=bounds.connect.total_seconds())
    body = bytearray()
    async with (
        asyncio.timeout(bounds.deadline.total_seconds()),
        httpx.AsyncClient(timeout=timeout, follow_redirects=False, verify=_tls()) as client,
    ):
        asked = client.build_request(method, url, headers=wanted, **request)
        begin()
        answer = await client.send(asked, stream=True)
        async for part in answer.aiter_raw():
            body += part
            if len(body) > bounds.max_bytes:
                break
        await answer.aclose()
    return Reply(
        status=answer.status_code,
        reason=answer.reason_phrase,
        headers=dict(answer.headers),
        body=bytes(body[: bounds.max_bytes]),
        is_cut=len(body) > bounds.max_bytes,
    )


@cache
def _tls() -> ssl.SSLContext:
    """Made once: to read all certificate authorities takes tens of milliseconds."""
    return httpx.create_ssl_context()


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
