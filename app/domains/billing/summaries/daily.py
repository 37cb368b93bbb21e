"""Tells users of their day: the hours they recorded, and what is wrong with their entries."""

from __future__ import annotations

from datetime import time
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.billing.models import Tenant
from app.domains.billing.telling import Occasion, Told, tell
from app.domains.billing.time_capture.issues.listing import count_open, first_open
from app.domains.billing.time_capture.wording import counted, day, hours
from app.domains.billing.time_capture.workloads import Workload, record_time, workloads
from app.domains.notifications.facts import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: What preferences are kept by.
TYPE = "daily_summary"
TIME_OF_DAY = time(17)
#: Open issues that are written out; of more, the number is told.
MAX_ISSUES = 5


def send_daily_summaries(session: Session, *, now: datetime, commit: Checkpoint) -> Told:
    """Tell all for whom it is past five, and who recorded time or have open issues.

    `commit` ends the transaction of each chunk.
    """
    occasion = Occasion(
        at=TIME_OF_DAY,
        is_on=lambda _today: True,
        whom=partial(record_time, now=now),
        key=_key,
        notices=_notices,
    )
    return tell(session, occasion, now=now, commit=commit)


def _key(user_id: int, today: date) -> str:
    return f"daily-summary:{user_id}:{today.isoformat()}"


def _notices(session: Session, user_ids: Sequence[int], here: datetime) -> Iterator[Notice]:
    today = here.date()
    worked = workloads(session, user_ids, first=today, last=today)
    issues = count_open(session, user_ids)
    names = _names(session, worked)
    for user_id in sorted(worked.keys() | issues.keys()):
        load, count = worked.get(user_id, Workload()), issues.get(user_id, 0)
        sentences = first_open(session, user_id=user_id, limit=MAX_ISSUES) if count else []
        yield Notice(
            key=_key(user_id, today),
            user_id=user_id,
            type=TYPE,
            title=f"Your day: {hours(load.length)}",
            body="\n".join([*_day(load, today=today, names=names), *_issues(count, sentences)]),
            data={
                "date": today.isoformat(),
                "seconds": int(load.length.total_seconds()),
                "entries": load.entries,
                "issues": count,
            },
        )


def _names(session: Session, worked: Mapping[int, Workload]) -> dict[int, str]:
    """The names of the tenants that were worked for."""
    ids = {tenant_id for load in worked.values() for tenant_id in load.by_tenant}
    rows = session.execute(select(Tenant.id, Tenant.name).where(Tenant.id.in_(ids)))
    return {id_: name for id_, name in rows}  # noqa: C416 (typed; dict() of rows is not)


def _day(load: Workload, *, today: date, names: Mapping[int, str]) -> Iterator[str]:
    entries = counted(load.entries, one="entry", many="entries")
    yield f"On {day(today)}, you recorded {hours(load.length)} in {entries}."
    for tenant_id, length in sorted(load.by_tenant.items()):
        yield f"- {names[tenant_id]}: {hours(length)}"


def _issues(count: int, sentences: Sequence[str]) -> Iterator[str]:
    if not count:
        return
    yield f"{counted(count, one='issue is', many='issues are')} open:"
    yield from (f"- {sentence}" for sentence in sentences)
    if count > len(sentences):
        yield f"- and {count - len(sentences)} more"
