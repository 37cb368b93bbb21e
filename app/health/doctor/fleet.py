"""Checks of what runs: pools against queues, schedules against tasks, workers, beat, overdue jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, union_all

from app.db.clock import clock
from app.db.sessions import reading
from app.health.doctor.finding import Finding
from app.jobs.declaration.registry import tasks
from app.jobs.ledger.models import Job, State, Worker
from app.jobs.ledger.states import in_state
from app.jobs.transitions.overdue import count_overdue
from app.jobs.transitions.recover import broker_lists
from app.schedule import checks
from app.schedule.leader import BEAT
from app.schedule.models import Leader
from app.schedule.service import list_schedules
from app.settings.config import settings
from app.topology import POOLS, Queue, drained_queues

if TYPE_CHECKING:
    from collections.abc import Sequence

ABOUT = "fleet"
#: Beat looks at its schedules every few seconds; one that is this late was not fired.
LATE = timedelta(minutes=1)


def tasks_can_be_imported() -> Finding:
    """Whether every domain's tasks load, each on a queue that a pool drains."""
    return Finding.ok(ABOUT, f"{len(tasks())} tasks are declared.")


def queues_are_drained() -> Finding:
    """Whether every queue has a pool."""
    undrained = [queue.value for queue in Queue if queue not in drained_queues()]
    if undrained:
        return Finding.problem(
            ABOUT,
            f"No pool drains these queues: {', '.join(undrained)}.",
            fix="Add each to a pool in app/topology.py.",
        )
    return Finding.ok(ABOUT, f"Each of the {len(Queue)} queues is drained by a pool.")


def jobs_wait_in_known_queues() -> Finding:
    """Whether the ledger holds open jobs for a queue that no longer exists."""
    known = [queue.value for queue in drained_queues()]
    # State by state, for the indexes of the open ones to serve.
    open_ones = (
        select(Job.queue).where(in_state(state), Job.queue.not_in(known))
        for state in State
        if not state.is_terminal
    )
    found = union_all(*open_ones).subquery()
    with reading() as session:
        stranded = session.execute(select(found.c.queue, func.count()).group_by(found.c.queue)).all()
    if stranded:
        return Finding.problem(
            ABOUT,
            f"Jobs wait in queues that no pool drains: {_counts(stranded)}.",
            fix="Bring the queue back in app/topology.py, or cancel the jobs: groundwork jobs cancel ID",
        )
    return Finding.ok(ABOUT, "No job waits in a queue that no pool drains.")


def workers_are_alive() -> Finding:
    """Whether each pool has a worker that was heard of within a lease."""
    missing = pools_without_workers()
    if missing:
        return Finding.problem(
            ABOUT,
            f"No worker of these pools sent a heartbeat for {settings().lease_seconds} s: "
            f"{', '.join(missing)}.",
            fix=f"Run: systemctl start groundwork-worker@{missing[0]}",
        )
    return Finding.ok(ABOUT, f"Workers of all {len(POOLS)} pools are alive.")


def workers_renew_their_leases() -> Finding:
    """Whether a worker has fallen silent: what it runs is given to others, though it may go on with it."""
    silent = ~Worker.signed_off & (Worker.seen_at <= clock(-settings().lease_seconds))
    with reading() as session:
        now = session.scalars(select(clock())).one()
        rows = session.execute(select(Worker.node, Worker.seen_at).where(silent))
        found = [(node, (now - seen).total_seconds()) for node, seen in rows]
    if found:
        named = ", ".join(f"{node} for {seconds:.0f} s" for node, seconds in found)
        return Finding.warning(
            ABOUT,
            f"Workers sent no heartbeat: {named}. Their jobs are given to others.",
            fix="If it still runs, look for thread_fails in its log and restart it; if its host is gone, "
            "this clears by itself",
        )
    return Finding.ok(ABOUT, "Every known worker renews its leases.")


def releases_agree() -> Finding:
    """Whether all workers run this release."""
    others = sorted({release for _, release in _workers()} - {settings().release})
    if others:
        return Finding.warning(
            ABOUT,
            f"This is release {settings().release}; workers run {', '.join(others)}.",
            fix="Restart them once the new release is in place: systemctl restart 'groundwork-worker@*'",
        )
    return Finding.ok(ABOUT, f"All workers run release {settings().release}.")


def beat_is_alive() -> Finding:
    """Whether a beat leads, and so schedules fire and lost jobs are found."""
    with reading() as session:
        leads = select(Leader.holder).where(Leader.name == BEAT, Leader.until > clock())
        leaders = session.scalars(leads).all()
    if not leaders:
        return Finding.problem(
            ABOUT,
            "No beat is active: schedules do not fire, and retries and lost jobs wait.",
            fix="Run: systemctl start groundwork-beat",
        )
    return Finding.ok(ABOUT, f"Beat is active: {leaders[0]}.")


def schedules_fire() -> Finding:
    """Whether each schedule fired when it was due, and succeeds as often as it should."""
    with reading() as session:
        now = session.scalars(select(clock())).one()
        entries = list_schedules(session)
    late = [entry.name for entry in entries if entry.next_at is not None and entry.next_at < now - LATE]
    failing = {entry.name: entry.problem for entry in entries if entry.problem is not None}
    overdue = [entry.name for entry in entries if entry.overdue_since is not None]
    if late or failing:
        named = [*late, *(f"{name} ({problem})" for name, problem in failing.items() if name not in late)]
        return Finding.problem(
            ABOUT,
            f"These schedules were due and did not fire: {', '.join(named)}.",
            fix="Look at the log of beat, and fire one now: groundwork schedules fire NAME",
        )
    if overdue:
        return Finding.problem(
            ABOUT,
            f"These schedules did not succeed within their time: {', '.join(overdue)}.",
            fix="See what came of their jobs: groundwork schedules runs NAME",
        )
    return Finding.ok(ABOUT, f"None of the {len(entries)} schedules is late.")


def schedules_can_fire() -> Finding:
    """Whether each schedule has its task, arguments that the task takes, and a queue that a pool drains."""
    with reading() as session:
        entries = list_schedules(session)
    unusable = checks.problems(entries)
    if unusable:
        return Finding.problem(
            ABOUT,
            " ".join(f"The schedule {name} cannot fire: {problem}" for name, problem in unusable.items()),
            fix="Change it: groundwork schedules change NAME, or disable it",
        )
    gone = [entry.name for entry in entries if entry.gone_at is not None]
    if gone:
        return Finding.warning(
            ABOUT,
            f"Schedules of former releases have no task any more: {', '.join(gone)}.",
            fix="If a task was renamed by mistake, give it its name back; else delete them: "
            "groundwork schedules delete NAME",
        )
    return Finding.ok(ABOUT, "Every schedule can fire.")


def no_job_is_overdue() -> Finding:
    """Whether a job waits that nobody brings forward; the metric of the same name counts alike."""
    with reading() as session:
        found = [(reason, count) for reason, count in count_overdue(session, broker_lists()).items() if count]
    if found:
        return Finding.problem(
            ABOUT,
            f"Jobs are overdue: {_counts(found)}.",
            fix="Beat recovers them within seconds while it runs and the broker answers; look at its log.",
        )
    return Finding.ok(ABOUT, "No job is overdue.")


def pools_without_workers() -> list[str]:
    """The pools of which no worker was heard of within a lease."""
    alive = {node.split("@")[0] for node, _ in _workers()}
    return [pool.name for pool in POOLS if pool.name not in alive]


def _workers() -> Sequence[tuple[str, str]]:
    """Node and release of the workers that are alive."""
    alive = ~Worker.signed_off & (Worker.seen_at > clock(-settings().lease_seconds))
    with reading() as session:
        return session.execute(select(Worker.node, Worker.release).where(alive)).all()


def _counts(rows: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in rows)
