"""What the health check looks at. Each look gives a finding for each subject that is wrong, and a number."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.db.clock import clock
from app.db.sessions import reading
from app.health.checks import lately
from app.health.checks.check import ABOUT, Check, Found
from app.health.doctor import backup, certificates, database, fleet, host, rabbitmq_server, redis_server
from app.health.doctor.finding import Finding
from app.jobs.broker import current
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.states import NOT_HELD, in_state
from app.jobs.pauses.service import PAUSED
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.service import count_stuck
from app.schedule.leader import BEAT, TERM
from app.schedule.models import Leader, ScheduleEntry
from app.settings.config import settings
from app.topology import POOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _database() -> Found:
    return Found(findings={"": database.database_answers()})


def _redis() -> Found:
    return _broker("redis", redis_server.redis_answers)


def _rabbitmq() -> Found:
    return _broker("rabbitmq", rabbitmq_server.rabbitmq_answers)


def _broker(kind: str, look: Callable[[], Finding]) -> Found:
    """What is found of a broker. One that is not used is well, so that its alert ends."""
    return Found(findings={"": look()} if current.broker().kind == kind else {})


def disk() -> Found:
    """How much room this host has."""
    _, free, _ = host.scarcest()
    return Found(findings={socket.gethostname(): host.disk_has_room()}, value=free / host.MIB)


def beat() -> Found:
    """Whether a beat leads, and when it last said so."""
    with reading() as session:
        row = session.execute(select(Leader.until, clock()).where(Leader.name == BEAT)).one_or_none()
    age = None if row is None else max((row[1] - row[0] + TERM).total_seconds(), 0.0)
    return Found(findings={"": fleet.beat_is_alive()}, value=age)


def workers() -> Found:
    """Whether each pool has a worker."""
    missing = fleet.pools_without_workers()
    findings = {
        pool: Finding.problem(
            ABOUT,
            f'No worker of the pool "{pool}" sent a heartbeat for {settings().lease_seconds} s.',
            fix=f"Run: systemctl start groundwork-worker@{pool}",
        )
        for pool in missing
    }
    return Found(findings=findings, value=len(POOLS) - len(missing))


def schedules() -> Found:
    """Which schedules did not succeed in their time."""
    overdue = select(ScheduleEntry.name).where(ScheduleEntry.overdue_since.is_not(None))
    with reading() as session:
        names = session.scalars(overdue.order_by(ScheduleEntry.name)).all()
    findings = {
        name: Finding.problem(
            ABOUT,
            f'The schedule "{name}" did not succeed within its time.',
            fix=f"See what came of its jobs: groundwork schedules runs {name}",
        )
        for name in names
    }
    return Found(findings=findings, value=len(names))


def _depth() -> Found:
    limit, rows = settings().health_queue_depth, _ready()
    findings = {
        queue: Finding.problem(
            ABOUT,
            f'{count} jobs wait in the queue "{queue}", more than {limit}.',
            fix="See which: groundwork jobs stats; more workers of its pool drain it faster.",
        )
        for queue, count, _ in rows
        if count > limit
    }
    return Found(findings=findings, value=sum(count for _, count, _ in rows))


def _age() -> Found:
    limit, rows = settings().health_queue_age_seconds, _ready()
    findings = {
        queue: Finding.problem(
            ABOUT,
            f'A job has waited for {age:.0f} s in the queue "{queue}", longer than {limit} s.',
            fix="Look at the workers of its pool: groundwork doctor",
        )
        for queue, _, age in rows
        if age > limit
    }
    return Found(findings=findings, value=max((age for _, _, age in rows), default=0.0))


def _ready() -> Sequence[tuple[str, int, float]]:
    """By queue, how many jobs wait that are due and not held, and for how many seconds the oldest has.

    Those of paused queues wait because somebody wants them to.
    """
    since = func.min(func.coalesce(Job.run_at, Job.accepted_at))
    waiting = select(Job.queue, func.count(), since, clock()).where(
        in_state(State.READY), NOT_HELD, Job.queue.not_in(PAUSED)
    )
    with reading() as session:
        rows = session.execute(waiting.group_by(Job.queue)).all()
    return [(queue, count, max((now - first).total_seconds(), 0.0)) for queue, count, first, now in rows]


def overdue() -> Found:
    """Whether jobs wait that nobody brings forward."""
    finding = fleet.no_job_is_overdue()
    return Found(findings={"": finding})


def _quarantine() -> Found:
    kept = current.broker().quarantined().kept
    if not kept:
        return Found(value=0)
    finding = Finding.problem(
        ABOUT,
        f"{kept} messages are in quarantine, because no worker could read them.",
        fix="See what they are: groundwork quarantine list",
    )
    return Found(findings={"": finding}, value=kept)


def _deliveries() -> Found:
    uncertain = select(func.count()).where(Delivery.state == DeliveryState.UNCERTAIN)
    with reading() as session:
        count = (session.scalar(uncertain) or 0) + count_stuck(session)
    if not count:
        return Found(value=0)
    finding = Finding.problem(
        ABOUT,
        f"Of {count} deliveries it is not known whether they were sent.",
        fix="Look at each: groundwork deliveries list --state uncertain",
    )
    return Found(findings={"": finding}, value=count)


def recent_backup() -> Found:
    """How old the newest backup of this host is."""
    age = backup.age()
    return Found(
        findings={socket.gethostname(): backup.backup_is_recent()},
        value=None if age is None else age / timedelta(hours=1),
    )


def _certificates() -> Found:
    ends = certificates.ends()
    findings = {place: certificates.finding(place, end) for place, end in ends.items()}
    left = [end.left / timedelta(days=1) for end in ends.values()]
    return Found(findings=findings, value=min(left, default=None), judged=frozenset(ends))


CHECKS = (
    Check(kind="database", look=_database, momentary=True, severe=True),
    Check(kind="redis", look=_redis, momentary=True, severe=True),
    Check(kind="rabbitmq", look=_rabbitmq, momentary=True, severe=True),
    Check(kind="disk", look=disk, unit="MiB free", of_host=True, severe=True),
    Check(kind="overdue", look=overdue, momentary=True, severe=True),
    Check(kind="queue_depth", look=_depth, unit="jobs"),
    Check(kind="queue_age", look=_age, unit="seconds"),
    Check(kind="queue_paused", look=lately.paused_queues, unit="queues"),
    Check(kind="workers", look=workers, unit="pools", momentary=True, severe=True),
    Check(kind="lost_workers", look=lately.lost_workers, unit="attempts"),
    Check(kind="beat", look=beat, unit="seconds", momentary=True, severe=True),
    Check(kind="schedules", look=schedules, unit="overdue", severe=True),
    Check(kind="missed_schedules", look=lately.missed_schedules, unit="missed"),
    Check(kind="new_dead", look=lately.new_dead, unit="jobs"),
    Check(kind="dead_jobs", look=lately.dead_jobs, unit="jobs"),
    Check(kind="quarantine", look=_quarantine, unit="messages"),
    Check(kind="deliveries", look=_deliveries, unit="uncertain"),
    Check(kind="backup", look=recent_backup, unit="hours", of_host=True),
    Check(kind="certificate", look=_certificates, unit="days left"),
)
#: Kinds of which an open alert says that jobs are not done, or lost.
SEVERE = frozenset(check.kind for check in CHECKS if check.severe)
