"""The metrics of deliveries; those of the ledger bring them along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.jobs.web.families import gauge
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.service import SETTLED, count_stuck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric
    from sqlalchemy.orm import Session

#: Settled ones are many, and nothing is left to do about them.
COUNTED = [state for state in DeliveryState if state not in SETTLED]


def families(session: Session) -> Iterator[Metric]:
    """Deliveries that are not settled, by channel and state, and those that nobody brings forward."""
    counts = select(Delivery.channel, Delivery.state, func.count()).where(Delivery.state.in_(COUNTED))
    rows = session.execute(counts.group_by(Delivery.channel, Delivery.state))
    yield gauge(
        "deliveries",
        "Deliveries that are not settled, by state.",
        ("channel", "state"),
        [((channel, state), count) for channel, state, count in rows],
    )
    yield gauge(
        "deliveries_stuck",
        "Deliveries marked as being sent that no job sends. Must be 0.",
        (),
        [((), count_stuck(session))],
    )
