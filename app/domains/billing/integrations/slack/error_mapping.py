"""Turns what Slack says no with, mostly with a status of success, into the few errors told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations.errors import (
    AccessTokenRefused,
    GrantRevoked,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ScopeMissing,
)
from app.domains.billing.integrations.reading import code_of, object_or_none
from app.outbound.retry_after import pause_asked_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domains.billing.integrations.calling import Operation
    from app.outbound.bounded_http import Reply

#: The workspace or the user is gone, or took the permission back.
REVOKED = frozenset(
    {
        "account_inactive",
        "app_uninstalled",
        "code_already_used",
        "invalid_auth",
        "invalid_code",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_revoked",
    }
)
LIMITS = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
TRANSIENT = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})


def raise_for(reply: Reply, told: Mapping[str, Any], *, operation: Operation) -> None:
    """Raise unless Slack did what it was asked; `told` is what it answered, where that was with success."""
    if reply.is_success and told.get("ok") is True:
        return
    if not reply.is_success:
        problem = code_of(object_or_none(reply.body, operation=operation).get("error"))
        raise operation.failure(reply, reason=problem or f"HTTP {reply.status}", message=None)
    reason = code_of(told.get("error"))
    if reason is None:
        raise operation.malformed("it says neither yes nor what is wrong")
    raise _judged(reply, told, reason=reason, operation=operation)


def _judged(reply: Reply, told: Mapping[str, Any], *, reason: str, operation: Operation) -> Exception:
    sentence = f"{operation.provider} refused {operation.name}: {reason}."
    if reason in REVOKED:
        return GrantRevoked(sentence, reason=reason)
    if reason in LIMITS:
        return RateLimited(sentence, after=pause_asked_for(reply.headers.get("retry-after", "")))
    if reason in TRANSIENT:
        return ProviderUnavailable(sentence)
    if reason == "token_expired":
        return AccessTokenRefused(sentence)
    if reason == "missing_scope":
        return ScopeMissing(provider=operation.provider, scope=operation.excerpt(told.get("needed")))
    return ProviderRefused(sentence, reason=reason)
