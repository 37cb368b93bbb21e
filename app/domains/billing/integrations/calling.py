"""Asks a provider over HTTP, once. Whatever comes back is a reply to be judged, or one of few errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations.errors import (
    AccessTokenRefused,
    AnswerTooLarge,
    MalformedAnswer,
    NoAnswer,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
)
from app.logs.masking import excerpt
from app.outbound.bounded_http import Bounds, NoReply, NotReached, call
from app.outbound.retry_after import pause_asked_for

if TYPE_CHECKING:
    from app.outbound.bounded_http import Reply

#: The largest pages have some hundred KiB.
BOUNDS = Bounds(
    connect=timedelta(seconds=5),
    silence=timedelta(seconds=20),
    deadline=timedelta(seconds=30),
    max_bytes=8 * 1024 * 1024,
)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What is asked of whom, as errors say it, and what they must not show."""

    provider: str
    name: str
    hiding: tuple[str, ...] = ()

    def ask(self, method: str, url: str, *, headers: dict[str, str] | None = None, **request: Any) -> Reply:
        """Ask. Raises `NoAnswer`, `AnswerTooLarge`, and `ProviderRefused` for a redirect."""
        try:
            reply = call(method, url, bounds=BOUNDS, headers=headers, **request)
        except (NotReached, NoReply) as error:
            raise NoAnswer(f"{self.provider} did not answer {self.name}: {self.excerpt(error)}.") from None
        if reply.is_cut:
            raise AnswerTooLarge(provider=self.provider, operation=self.name, limit=BOUNDS.max_bytes)
        if reply.is_redirect:
            # A token would follow to wherever it leads.
            raise ProviderRefused(
                f"{self.provider} answered {self.name} by a redirect ({reply.status}); none is followed.",
                reason="redirect",
            )
        return reply

    def ask_as(
        self, access_token: str, url: str, *, headers: dict[str, str] | None = None, **request: Any
    ) -> Reply:
        """Ask to be told something, with a person's token."""
        asked = {"Authorization": f"Bearer {access_token}", "Accept": "application/json", **(headers or {})}
        return self.ask("GET", url, headers=asked, **request)

    def failure(self, reply: Reply, *, reason: str, message: object) -> Exception:
        """The error for a reply that is none of success, as any provider means its status."""
        said = self.excerpt(message) or reply.reason
        sentence = f"{self.provider} refused {self.name}: {reason} ({said})."
        pause = pause_asked_for(reply.headers.get("retry-after", ""))
        if reply.status == HTTPStatus.UNAUTHORIZED:
            return AccessTokenRefused(sentence)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimited(sentence, after=pause)
        if reply.is_server_error:
            return ProviderUnavailable(sentence, after=pause)
        return ProviderRefused(sentence, reason=reason)

    def malformed(self, problem: str) -> MalformedAnswer:
        """The error for an answer that says nothing."""
        return MalformedAnswer(provider=self.provider, operation=self.name, problem=problem.rstrip("."))

    def excerpt(self, text: object) -> str:
        """What a provider says, fit for a sentence."""
        return excerpt(text, hiding=self.hiding).rstrip(".") if text else ""
