"""The metric of alerts; those of the ledger bring it along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.jobs.web.families import gauge
from app.outbound.alerts.models import Alert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric
    from sqlalchemy.orm import Session


def families(session: Session) -> Iterator[Metric]:
    """How many alerts are open, by kind."""
    counts = select(Alert.kind, func.count()).where(Alert.closed_at.is_(None)).group_by(Alert.kind)
    rows = [(kind, count) for kind, count in session.execute(counts)]
    yield gauge("alerts_open", "Alerts that are open.", ("kind",), rows)
