"""What happened in some time: releases, alerts, missed moments of schedules, what people did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.console.questions import answer
from app.console.timeline.charts import Mark
from app.domains.audit import schemas, search
from app.domains.audit.models import Operation
from app.health.checks.scopes import INSPECT
from app.health.releases import service as releases
from app.outbound.alerts import service as alerts
from app.outbound.alerts.message import cut
from app.schedule import history

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.console.timeline.charts import Axis
    from app.tokens.callers import Caller

#: Of each kind, the newest.
MAX_MARKS = 200
#: Of what there is to say of each, the beginning.
MAX_SAID = 300
#: How the audit log calls what is noted as an act, beside the requests that carry it.
ACT = "JOB"


def look(axis: Axis, *, caller: Caller) -> Iterator[tuple[str, Sequence[Mark] | None]]:
    """Each kind with what there was of it; None where that took too long."""
    yield "Releases", answer(lambda session: _releases(session, axis))
    if caller.may(INSPECT):
        yield "Alerts", answer(lambda session: _alerts(session, axis))
    yield "Missed schedules", answer(lambda session: _missed(session, axis))
    acts = "Acts" if caller.only_user is None else "What you did"
    yield acts, answer(lambda session: _acts(session, axis, only_user=caller.only_user))


def _releases(session: Session, axis: Axis) -> list[Mark]:
    return [
        _moment(row.began_at, f"Release {row.release} began to run: its first worker started")
        for row in releases.within(session, begin=axis.begin, end=axis.end, limit=MAX_MARKS)
    ]


def _alerts(session: Session, axis: Axis) -> list[Mark]:
    return [
        Mark(
            at=row.opened_at,
            until=row.closed_at or axis.end,
            text=cut(f"{f'{row.kind} {row.subject}'.rstrip()}: {row.sentence}", MAX_SAID),
        )
        for row in alerts.within(session, begin=axis.begin, end=axis.end, limit=MAX_MARKS)
    ]


def _missed(session: Session, axis: Axis) -> list[Mark]:
    return [
        _moment(run.fired_at, f"{run.schedule} missed its moment {run.moment:%Y-%m-%d %H:%M:%S}")
        for run in history.missed(session, begin=axis.begin, end=axis.end, limit=MAX_MARKS)
    ]


def _acts(session: Session, axis: Axis, *, only_user: int | None) -> list[Mark]:
    wanted = {"method": ACT, "after": axis.begin.isoformat(), "before": axis.end.isoformat()}
    found = search.page(
        session,
        Operation,
        filters=schemas.OperationFilter.model_validate(wanted),
        only_user=only_user,
        limit=MAX_MARKS,
    )
    return [_moment(row.at, f"{row.user_name or '-'}: {row.title or ''} {row.path}") for row in found.rows]


def _moment(at: datetime, text: str) -> Mark:
    return Mark(at=at, until=at, text=cut(text, MAX_SAID))
