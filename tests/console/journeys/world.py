"""What the service knows while people look at its pages: something of everything, hostile texts among it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from app.console.views.models import SavedView
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.domains.audit.service import write_operations
from app.domains.bulk import service as bulk
from app.domains.bulk.models import BulkActJob
from app.domains.bulk.pace import Pace
from app.jobs.accept import accept
from app.jobs.chosen import Act, choose_these
from app.jobs.factory import new_job
from app.jobs.ledger.models import Attempt, Job, Outcome, State, Worker
from app.jobs.logged.models import JobLog
from app.jobs.pauses.models import QueuePause
from app.jobs.quarantine import quarantine
from app.jobs.statistics import adding
from app.jobs.statistics.sums import ATTEMPT, FINISHED, RUN, WAIT, Counted
from app.outbound.alerts.models import ALL_SUBJECTS, Alert, AlertMute
from app.outbound.deliveries import service as deliveries
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.service import Outgoing
from app.schedule import service as schedules
from app.schedule.fire import fire_now
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.views import ScheduleDraft
from app.settings.config import settings
from app.topology import POOLS
from tests.domains.accounts.people import add_person
from tests.domains.audit.log import record

ADMIN, VIEWER = "admin@example.org", "viewer@example.org"
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe " + "x" * 300
TASK = "mail.send_email"
ARGUMENTS = {"to_addresses": ["ann@example.org"], "subject": HOSTILE, "text_body": HOSTILE}
#: For routes with parameters: one page of each, about what `fill` makes.
DEAD_JOB = "0193a1b2-0000-7000-8000-000000000000"
EXAMPLES = {
    "/console/bulk/{act_id}": "/console/bulk/1",
    "/console/deliveries/{delivery_id}": "/console/deliveries/1",
    "/console/jobs/{job_id}": f"/console/jobs/{DEAD_JOB}",
    "/console/jobs/{job_id}/again": f"/console/jobs/{DEAD_JOB}/again",
    "/console/schedules/{name}": "/console/schedules/nightly",
    "/console/schedules/{name}/edit": "/console/schedules/nightly/edit",
}


def fill() -> None:
    """Make it, in the database of this process's settings."""
    add_person(ADMIN, role=Role.ADMIN)
    add_person(VIEWER, role=Role.VIEWER)
    for state in State:
        add_job(state, job_id=DEAD_JOB if state is State.DEAD else None)
    _add_delivery()
    _add_statistics()
    _add_schedules()
    _add_bulk_act()
    _add_views()
    quarantine.add(HOSTILE.encode(), queue="default", problem="It is not JSON.")
    now = datetime.now(UTC)
    # For as long as pages are looked at, and longer.
    seen = now + timedelta(hours=1)
    with transaction() as session:
        session.add(Alert(kind="overdue", subject="default", sentence=HOSTILE, fix="Look.", opened_at=now))
        session.add(
            Alert(kind="disk", subject="h1", sentence=HOSTILE, opened_at=now, closed_at=now, untold=True)
        )
        muted = {"reason": HOSTILE, "muted_by": "user:1", "muted_at": now, "until": now + timedelta(days=1)}
        session.add(AlertMute(kind="workers", subject="bulk", **muted))
        session.add(QueuePause(queue="models", since=now, reason=HOSTILE, paused_by="user:1"))
        session.add(AlertMute(kind="overdue", subject=ALL_SUBJECTS, **muted))
        write_operations(session, [_operation(number) for number in range(3)])
        for pool in POOLS:
            session.add(
                Worker(
                    name=pool.name,
                    node=f"{pool.name}@here",
                    release=settings().release,
                    concurrency=2,
                    started_at=now,
                    seen_at=seen,
                )
            )


def _add_statistics() -> None:
    """Of a day, in each quarter of an hour some more."""
    now = datetime.now(UTC)
    with transaction() as session:
        for quarter in range(96):
            minute = adding.floor(now - quarter * timedelta(minutes=15), adding.MINUTE)
            ends = {(FINISHED, "done"): 900 - 9 * quarter, (FINISHED, "dead"): quarter % 7 == 0}
            ends |= {(ATTEMPT, "retried"): quarter % 5, (ATTEMPT, "lost"): quarter == 40}
            ends |= {(RUN, "0.5"): 900 - 9 * quarter, (WAIT, "10" if quarter > 60 else "60"): 900}
            found = [Counted(TASK, "emails", *of, minute, int(number), 0.0) for of, number in ends.items()]
            adding.add(session, [one for one in found if one.ends])


def add_job(state: State, *, job_id: str | None = None) -> None:
    """One that is in that state."""
    now, is_dead = datetime.now(UTC), state is State.DEAD
    error = f"ValueError: {HOSTILE}" if is_dead else None
    values: dict[str, object] = {"state": state, "error": error}
    if state.is_terminal:
        values |= {"started_at": now, "finished_at": now}
    with transaction() as session:
        (job,) = accept(session, [new_job(TASK, kwargs=ARGUMENTS, id=job_id)])
        session.execute(update(Job).where(Job.id == job.id).values(values))
        if is_dead:
            ended = {"started_at": now, "finished_at": now, "outcome": Outcome.FAILED}
            session.add(Attempt(job_id=job.id, fence=1, error=error, traceback=f"{HOSTILE}\n" * 9, **ended))
        said = [[now.timestamp(), level, "app.mail", HOSTILE] for level in ("INFO", "ERROR")]
        if state in (State.DEAD, State.RUNNING):
            session.execute(update(Job).where(Job.id == job.id).values(progress={"done": 3, "total": 12}))
            for first in (0, 9):
                session.add(JobLog(job_id=job.id, fence=1, first=first, lines=said))


def _add_delivery() -> None:
    letter = Outgoing(key=HOSTILE, channel="email", recipient=ADMIN, subject=HOSTILE, content={})
    with transaction() as session:
        made = deliveries.prepare(session, letter)
        made.state, made.error = DeliveryState.UNCERTAIN, HOSTILE


def _add_views() -> None:
    """Of those who have signed in first, and of somebody else."""
    with transaction() as session:
        for user_id, name in ((1, "Dead mails"), (99, HOSTILE)):
            of = {"user_id": user_id, "user_name": f"user:{user_id}"}
            session.add(
                SavedView(**of, name=name, query="state=dead", shared=True, saved_at=datetime.now(UTC))
            )


def _add_bulk_act() -> None:
    """One that runs, and has left one of its jobs alone."""
    who: dict[str, Any] = {"user_name": "user:1", "user_id": 1}
    with transaction() as session:
        jobs = choose_these(session, Act.DISCARD, ids=[DEAD_JOB], within=None) * 2
        by = [("state", "dead"), ("error", HOSTILE)]
        act = bulk.choose(session, Act.DISCARD, jobs, chosen_by=by, place="/console/jobs", **who)
        bulk.begin(session, act.id, reason=HOSTILE, pace=Pace(jobs=1, seconds=60), **who)
        session.execute(update(BulkActJob).where(BulkActJob.number == 1).values(problem=HOSTILE))
        act.left_alone = 1


def _add_schedules() -> None:
    draft = {"name": "nightly", "task": "pricing.recompute_all_discounts", "cron": "0 2 * * *"}
    now = datetime.now(UTC)
    with transaction() as session:
        schedules.create(session, ScheduleDraft.model_validate(draft))
        for name, more in (("paused", {"enabled": False}), ("failed", {}), ("gone", {})):
            schedules.create(session, ScheduleDraft.model_validate(draft | {"name": name} | more))
        session.execute(update(ScheduleEntry).where(ScheduleEntry.name == "gone").values(gone_at=now))
        session.add(ScheduleRun(schedule="failed", moment=now, fired_at=now, outcome=RunOutcome.DEAD))
        fire_now(session, schedules.find(session, "nightly"))
        for days, outcome in enumerate(RunOutcome, start=1):
            at = now - timedelta(days=days)
            error = HOSTILE if outcome is RunOutcome.DEAD else None
            ended = {"outcome": outcome, "started_at": at, "finished_at": now, "error": error}
            session.add(ScheduleRun(schedule="nightly", moment=at, fired_at=at, job_id=DEAD_JOB, **ended))


def _operation(number: int) -> dict[str, Any]:
    said: dict[str, Any] = {"title": "Mute alerts", "arguments": {"reason": HOSTILE}}
    return record(path=f"/{HOSTILE}", status=200 + number, user_name=f"user:{number}", **said)
