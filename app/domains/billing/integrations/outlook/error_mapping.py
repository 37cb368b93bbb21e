"""Turns what Microsoft Graph answers in place of a calendar into the few errors that callers tell apart."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.domains.billing.integrations.errors import SyncTokenExpired
from app.domains.billing.integrations.reading import code_of, mapping_in, object_or_none

if TYPE_CHECKING:
    from app.domains.billing.integrations.calling import Operation
    from app.outbound.bounded_http import Reply

#: Codes of a delta token that is no longer, or was never, good; in any case and with several statuses.
EXPIRED = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata"})


def failure(reply: Reply, *, operation: Operation) -> Exception:
    """The error for a reply that is none of success."""
    problem = mapping_in(object_or_none(reply.body, operation=operation), "error")
    reason = code_of(problem.get("code")) or f"HTTP {reply.status}"
    if reply.status == HTTPStatus.GONE or reason.lower() in EXPIRED:
        return SyncTokenExpired(provider=operation.provider)
    return operation.failure(reply, reason=reason, message=problem.get("message"))
