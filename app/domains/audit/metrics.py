"""The metrics of the audit logs; those of the ledger bring them along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.domains.audit.models import Operation
from app.domains.audit.recording.recorder import DROPPED, SAMPLED
from app.jobs.web.families import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric
    from sqlalchemy.orm import Session


def families(session: Session) -> Iterator[Metric]:
    """Requests that are in the log as a number only, for as long as the log is kept."""
    counts = select(Operation.code, func.sum(Operation.left_out)).where(
        Operation.code.in_((SAMPLED, DROPPED))
    )
    found = {code: int(total) for code, total in session.execute(counts.group_by(Operation.code))}
    yield gauge(
        "audit_left_out",
        "Requests that the operation log has as a number only: refusals of a flood, and dropped records.",
        ("code",),
        [(code, found.get(code, 0)) for code in (SAMPLED, DROPPED)],
    )
