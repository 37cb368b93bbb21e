"""Fires schedules: each (schedule, moment) becomes one job, however many beats look at it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import structlog
from sqlalchemy import insert, select, update

from app.db import outages
from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.celery.signals import announced
from app.jobs.factory import new_job
from app.jobs.ledger.encoding import sentence
from app.schedule.history import key_of, unfinished
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.plan import Plan, plan
from app.schedule.policies import Overlap
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from app.jobs.accept import Accepted
    from app.jobs.ledger.new_job import NewJob

log = structlog.get_logger(__name__)

#: Schedules in one transaction, and in one tick of beat.
TOGETHER = 100
PER_TICK = 1_000
#: A schedule that cannot be fired is tried again after this.
AGAIN = timedelta(seconds=30)


@dataclass(kw_only=True)
class _Fired:
    """What a transaction writes beside the schedules themselves."""

    now: datetime
    jobs: list[NewJob] = field(default_factory=list)
    #: Of which schedule and moment each job is.
    of: list[tuple[ScheduleEntry, datetime]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def note(self, entry: ScheduleEntry, moments: Iterable[datetime], *, outcome: RunOutcome) -> None:
        """Remember moments that become no job."""
        for moment in moments:
            self.runs.append(self._run(entry, moment) | {"outcome": outcome, "finished_at": self.now})
            log.warning(f"schedule_{outcome.value}", schedule=entry.name, moment=moment.isoformat())

    def job(self, entry: ScheduleEntry, moment: datetime, *, id: str) -> None:  # noqa: A002 (the ledger's word)
        """Remember a moment that became a job."""
        self.runs.append(self._run(entry, moment) | {"job_id": id})

    def _run(self, entry: ScheduleEntry, moment: datetime) -> dict[str, Any]:
        empty = dict.fromkeys(("job_id", "outcome", "finished_at"))
        return empty | {"schedule": entry.name, "moment": moment, "fired_at": self.now}


def fire_due(*, at: datetime | None = None) -> None:
    """Accept a job for each moment that has come, by the database's clock or at `at`."""
    with reading() as session:
        now = at or db_now(session)
        due = select(ScheduleEntry).where(ScheduleEntry.next_at <= now)
        entries = session.scalars(due.order_by(ScheduleEntry.next_at).limit(PER_TICK)).all()
    for begin in range(0, len(entries), TOGETHER):
        _fire_part(entries[begin : begin + TOGETHER], now=now)


def fire_now(session: Session, entry: ScheduleEntry) -> str:
    """Accept a job of a schedule beside those of its moments; its id."""
    answer = _fire_by_hand(session, entry, key=None)
    _note_by_hand(session, entry, job_id=answer.id)
    return answer.id


def fire_once(session: Session, entry: ScheduleEntry, *, key: str) -> Accepted:
    """As `fire_now`, and one job however often the same `key` comes."""
    answer = _fire_by_hand(session, entry, key=f"schedule:{entry.name}:{key}")
    if answer.created:
        _note_by_hand(session, entry, job_id=answer.id)
    return answer


def _fire_by_hand(session: Session, entry: ScheduleEntry, *, key: str | None) -> Accepted:
    job = new_job(entry.task, kwargs=entry.arguments, queue=entry.queue, priority=entry.priority, key=key)
    with announced([job]) as jobs:
        return accept(session, jobs)[0]


def _note_by_hand(session: Session, entry: ScheduleEntry, *, job_id: str) -> None:
    fired = _Fired(now=db_now(session))
    fired.job(entry, fired.now, id=job_id)
    session.execute(insert(ScheduleRun), fired.runs)


def _fire_part(entries: Sequence[ScheduleEntry], *, now: datetime) -> None:
    """Fire schedules together; where that fails each alone, so that none keeps another from it."""
    try:
        with transaction() as session:
            _fire(session, entries, now=now)
    except Exception as error:
        if outages.is_transient(error):
            raise
        if len(entries) == 1:
            log.exception("schedule_not_fired", schedule=entries[0].name)
            _postpone(entries[0], problem=sentence(error), until=now + AGAIN)
            return
        for entry in entries:
            _fire_part([entry], now=now)


def _postpone(entry: ScheduleEntry, *, problem: str, until: datetime) -> None:
    with transaction() as session:
        session.execute(_unchanged(entry).values(problem=problem, next_at=until))


def _fire(session: Session, entries: Sequence[ScheduleEntry], *, now: datetime) -> None:
    fired = _Fired(now=now)
    names = [entry.name for entry in entries if entry.overlap != Overlap.ALLOW]
    running = unfinished(session, names) if names else {}
    for entry in entries:
        found = _plan(entry, now=now)
        if _advance(session, entry, found):
            _let_through(entry, found, running=running, fired=fired)
    with announced(fired.jobs) as jobs:
        answers = accept(session, jobs) if jobs else []
    for (entry, moment), answer in zip(fired.of, answers, strict=True):
        fired.job(entry, moment, id=answer.id)
        log.info("schedule_fired", schedule=entry.name, moment=moment.isoformat(), job_id=answer.id)
    if fired.runs:
        session.execute(insert(ScheduleRun), fired.runs)


def _plan(entry: ScheduleEntry, *, now: datetime) -> Plan:
    grace = entry.policies.grace
    return plan(
        entry.rule,
        seen_until=entry.seen_until,
        now=now,
        misfire=entry.policies.misfire,
        grace=timedelta(seconds=settings().catch_up_seconds) if grace is None else grace,
        period=entry.period,
        most=1 if entry.one_off else None,
    )


def _advance(session: Session, entry: ScheduleEntry, found: Plan) -> bool:
    """Write down what is dealt with; False where another beat or an edit was first."""
    is_over = entry.one_off and bool(found.moments or found.missed)
    values: dict[str, Any] = {
        "seen_until": found.seen_until,
        "next_at": None if is_over else entry.period.next(entry.rule, after=found.seen_until),
        "problem": None,
    }
    if is_over:
        values["enabled"] = False
    if found.moments:
        values["last_fire_at"] = found.moments[-1]
    advanced = session.execute(_unchanged(entry).values(values))
    return cast("CursorResult[Any]", advanced).rowcount == 1


def _unchanged(entry: ScheduleEntry) -> Any:
    as_read = (
        ScheduleEntry.name == entry.name,
        ScheduleEntry.version == entry.version,
        ScheduleEntry.seen_until == entry.seen_until,
    )
    return update(ScheduleEntry).where(*as_read).execution_options(synchronize_session=False)


def _let_through(entry: ScheduleEntry, found: Plan, *, running: Mapping[str, int], fired: _Fired) -> None:
    """The jobs of a plan, as far as the schedule's earlier ones leave room for them."""
    room = {
        Overlap.ALLOW: len(found.moments),
        Overlap.SKIP: 1 - running.get(entry.name, 0),
        Overlap.QUEUE_ONE: 2 - running.get(entry.name, 0),
    }[entry.policies.overlap]
    through = found.moments[: max(room, 0)]
    if found.missed is not None:
        fired.note(entry, [found.missed], outcome=RunOutcome.MISSED)
    fired.note(entry, found.moments[len(through) :], outcome=RunOutcome.SKIPPED)
    for moment in through:
        fired.jobs.append(_job(entry, moment, now=fired.now))
        fired.of.append((entry, moment))


def _job(entry: ScheduleEntry, moment: datetime, *, now: datetime) -> NewJob:
    run_at = moment + _share(entry, moment) * entry.policies.jitter
    return new_job(
        entry.task,
        kwargs=entry.arguments,
        queue=entry.queue,
        priority=entry.priority,
        key=key_of(entry.name, moment),
        run_at=run_at if run_at > now else None,
    )


def _share(entry: ScheduleEntry, moment: datetime) -> float:
    """A number from 0 to 1 that is the same for whoever asks, and another at each moment."""
    digest = hashlib.sha256(f"{entry.name} {moment.isoformat()}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
