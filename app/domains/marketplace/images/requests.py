"""Requests to a registry: signed in, tried again within bounds, and never led to another server."""

from __future__ import annotations

import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from app.domains.marketplace.images.errors import (
    AccessDenied,
    LeadsElsewhere,
    RegistryRefused,
    RegistryUnavailable,
)
from app.domains.marketplace.images.signing_in import is_url
from app.logs.masking import excerpt
from app.outbound.bounded_http import Bounds, NoReply, NotReached, call
from app.outbound.retry_after import pause_asked_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.marketplace.images.signing_in import SignIn
    from app.outbound.bounded_http import Reply

BOUNDS = Bounds(
    connect=timedelta(seconds=10),
    silence=timedelta(seconds=60),
    # A chunk of 8 MiB gets through at a quarter of a megabit per second.
    deadline=timedelta(minutes=5),
    max_bytes=1024 * 1024,
)
#: Cancelling is asked for this often while there is a pause.
ASKED_EVERY = timedelta(seconds=1)
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """How often what may pass is tried, and how long the pauses between are.

    A longer one that the registry asks for is left to the job, which occupies no process meanwhile.
    """

    tries: int = 6
    first: timedelta = timedelta(milliseconds=500)
    longest: timedelta = timedelta(seconds=15)

    def before(self, failure: int) -> timedelta:
        """The pause after the failure of that number (1, 2, ...), of a random length up to its bound."""
        bound: timedelta = min(self.first * 2 ** (failure - 1), self.longest)
        share: float = random.uniform(0.5, 1)  # noqa: S311 (it spreads load)
        return bound * share


@dataclass(kw_only=True)
class Requests:
    """Asks one registry; `proceed` is called before each request and in pauses, and may raise."""

    url: str
    sign_in: SignIn
    pauses: Pauses = field(default_factory=Pauses)
    proceed: Callable[[], None] = lambda: None
    #: Bytes of bodies that were handed over, with those that were in vain.
    sent: int = 0

    @property
    def name(self) -> str:
        """As errors have it."""
        return urlsplit(self.url).netloc

    def ask(self, method: str, path: str, *, doing: str, **request: Any) -> Reply:
        """Ask for what is the same if it is done twice, again and again within bounds.

        Raises `RegistryUnavailable` and `AccessDenied`; of all other answers the caller knows what they mean.
        """
        failure = 0
        while True:
            try:
                reply = self.once(method, path, doing=doing, **request)
            except RegistryUnavailable as error:
                failure += 1
                self.pause(failure, error)
            else:
                return reply

    def once(self, method: str, path: str, *, doing: str, **request: Any) -> Reply:
        """Ask once; once more where signing in anew may help. Raises as `ask`."""
        url = self.absolute(path)
        reply = self._sent(method, url, doing=doing, **request)
        # ECR answers 403 to a token that has ended.
        if reply.status in _DENIED and self.sign_in.renew(self.url, reply):
            reply = self._sent(method, url, doing=doing, **request)
        if reply.status in _DENIED:
            raise AccessDenied(registry=self.name, doing=doing, said=self.said(reply))
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.is_server_error:
            raise RegistryUnavailable(
                f"{self.name} did not {doing}: it answered {reply.status} ({self.said(reply)}).",
                after=pause_asked_for(reply.headers.get("retry-after", "")),
            )
        return reply

    def pause(self, failure: int, error: RegistryUnavailable) -> None:
        """Wait before what failed is tried again; raise the error where that is no use or takes long."""
        asked = error.after or timedelta()
        if failure >= self.pauses.tries or asked > self.pauses.longest:
            raise error
        until = time.monotonic() + max(self.pauses.before(failure), asked).total_seconds()
        while (left := until - time.monotonic()) > 0:
            self.proceed()
            time.sleep(min(left, ASKED_EVERY.total_seconds()))

    def absolute(self, location: str, *, base: str = "") -> str:
        """Where a path or a `Location` leads (from `base`), which must be to this registry."""
        try:
            url = urljoin(base or f"{self.url}/", location)
        except ValueError:
            url = ""
        if not is_url(url) or _origin(url) != _origin(self.url):
            raise LeadsElsewhere(registry=self.name, location=location)
        return url

    def refusal(self, reply: Reply, *, doing: str) -> RegistryRefused:
        """The error for an answer that is none of those that the protocol has for it."""
        code, _ = _problem(reply)
        return RegistryRefused(
            f"{self.name} did not {doing}: it answered {reply.status} ({self.said(reply)}).", reason=code
        )

    def said(self, reply: Reply) -> str:
        """What the registry says is wrong, for a sentence."""
        code, message = _problem(reply)
        return excerpt(f"{code}: {message}" if code else reply.reason, hiding=self.sign_in.secrets()).rstrip(
            "."
        )

    def _sent(self, method: str, url: str, *, doing: str, **request: Any) -> Reply:
        self.proceed()
        headers = {**request.pop("headers", {}), **self.sign_in.headers()}
        self.sent += len(request.get("content") or b"")
        try:
            return call(method, url, bounds=BOUNDS, headers=headers, **request)
        except (NotReached, NoReply) as error:
            said = excerpt(error, hiding=self.sign_in.secrets()).rstrip(".")
            raise RegistryUnavailable(f"{self.name} did not {doing}: no answer came ({said}).") from None


def _origin(url: str) -> tuple[str, str, int | None, bool]:
    """Scheme, host, port, and whether there is somebody's name in it."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port, "@" in parts.netloc


def _problem(reply: Reply) -> tuple[str, str]:
    """The first error in the body, as the distribution protocol has errors; empty where there is none."""
    with suppress(ValueError, RecursionError, LookupError, TypeError):
        first = json.loads(reply.body)["errors"][0]
        return str(first["code"]), str(first.get("message") or "")
    return "", ""
