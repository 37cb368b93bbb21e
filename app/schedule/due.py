"""What a tick of beat would find to do, at the price of one statement."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import exists, select, text

from app.db.clock import clock
from app.db.sessions import asking
from app.jobs.ledger.models import HELD, WAITING, Job, Worker
from app.jobs.transitions import lost_workers
from app.schedule.models import ScheduleEntry

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Exists, Select, TextClause


class Due(NamedTuple):
    """For which of beat's steps there is work."""

    #: Schedules whose moment has come.
    schedules: bool
    #: Scheduled jobs whose time has come.
    scheduled: bool
    #: Ready jobs that are known not to be in the broker.
    waiting: bool
    #: Ready jobs that wait for room in their partition.
    held: bool
    #: Jobs of a worker that is not heard of any more.
    silent: bool
    #: What the database's clock shows.
    now: datetime


def look() -> Due:
    """What there is to do by the database's clock."""
    with asking() as connection:
        return Due(*connection.execute(_statement()).one())


@cache
def _statement() -> Select[bool, bool, bool, bool, bool, datetime]:
    """Made once: to make it takes as long as to ask it."""
    # As text: with parameters for constants, no prepared statement could use the partial indexes.
    return select(
        exists().where(ScheduleEntry.next_at <= clock()),
        _any(text("state = 'scheduled'"), Job.run_at <= clock()),
        _any(text(WAITING)),
        _any(text(f"{HELD} AND partition IS NOT NULL")),
        # Workers first: they are few, and mostly all of them are heard of.
        exists().where(lost_workers.SILENT, _any(text("state = 'running'"), Job.worker == Worker.name)),
        clock(),
    )


def _any(*conditions: ColumnElement[bool] | TextClause) -> Exists:
    return exists().select_from(Job).where(*conditions)
