"""The metric of paused queues; those of the ledger bring it along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.db.clock import now as db_now
from app.jobs.pauses.service import paused
from app.jobs.web.families import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric
    from sqlalchemy.orm import Session


def families(session: Session) -> Iterator[Metric]:
    """For how long queues have been paused; none for one that is not."""
    found, now = paused(session), db_now(session)
    ages = [(one.queue, max((now - one.since).total_seconds(), 0.0)) for one in found]
    yield gauge("queue_paused_seconds", "For how long a queue has been paused.", ("queue",), ages)
