"""Turns what Google Calendar answers in place of a calendar into the few errors that callers tell apart."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.domains.billing.integrations.errors import RateLimited, SyncTokenExpired
from app.domains.billing.integrations.reading import code_of, mapping_in, object_or_none
from app.outbound.retry_after import pause_asked_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from app.domains.billing.integrations.calling import Operation
    from app.outbound.bounded_http import Reply

#: Reasons of 403 that pass. Source: Calendar API, handle API errors.
LIMITS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})


def failure(reply: Reply, *, operation: Operation) -> Exception:
    """The error for a reply that is none of success."""
    problem = mapping_in(object_or_none(reply.body, operation=operation), "error")
    reasons = [*_reasons(problem), f"HTTP {reply.status}"]
    if reply.status == HTTPStatus.GONE:
        return SyncTokenExpired(provider=operation.provider)
    judged = operation.failure(reply, reason=reasons[0], message=problem.get("message"))
    if reply.status == HTTPStatus.FORBIDDEN and LIMITS & set(reasons):
        return RateLimited(str(judged), after=pause_asked_for(reply.headers.get("retry-after", "")))
    return judged


def _reasons(problem: Mapping[str, Any]) -> Iterator[str]:
    errors = problem.get("errors")
    for one in errors if isinstance(errors, list) else []:
        reason = code_of(one.get("reason")) if isinstance(one, dict) else None
        if reason:
            yield reason
