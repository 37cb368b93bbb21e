"""What the time is for the business: its days can be played through in a checkout.

There are three clocks. What the ledger and deliveries compare with each other goes by the database's
(`app.db.clock`), what a business counts in days by this one, and what has to agree with the world outside of
the service (signatures, tokens, headers, what a person types) by the host's own, `datetime.now(UTC)`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from app.settings.config import settings

log = structlog.get_logger(__name__)


def business_now() -> datetime:
    """Now, in UTC; in a trial the moment that `GROUNDWORK_PRETEND_NOW` names.

    Leases, retries and all of the ledger go by the database's clock and never by this one.
    """
    return settings().pretend_now or datetime.now(UTC)


def local_time(now: datetime, *, timezone: str) -> datetime:
    """`now` by the clock of `timezone` (IANA name); by that of UTC where this host does not know the zone."""
    try:
        return now.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError):
        # One user's zone must not keep all others from being told.
        log.warning("unknown_timezone", timezone=timezone)
        return now.astimezone(UTC)
