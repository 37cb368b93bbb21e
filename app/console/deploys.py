"""The releases at work, and which tasks the one that shows this has more or fewer than have run here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.console.figures import CAP
from app.console.questions import answer
from app.console.queues import workers
from app.jobs.declaration import registry
from app.jobs.fleet import Life
from app.jobs.ledger.models import Job, JobStat, State
from app.jobs.ledger.states import in_state
from app.jobs.statistics.sums import FINISHED
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

LIVE = (State.SCHEDULED, State.READY, State.RUNNING)


@dataclass(kw_only=True)
class Release:
    """A release, and its workers by what they said of themselves last."""

    name: str
    is_ours: bool
    #: When the first of the workers that are known started; None where none is.
    since: datetime | None = None
    workers: dict[Life, int] = field(default_factory=lambda: dict.fromkeys(Life, 0))


@dataclass(frozen=True, kw_only=True)
class UnknownTask:
    """A task that this release does not have, and its jobs that have not ended."""

    name: str
    #: Counted to one beyond `CAP`.
    jobs: Mapping[State, int]


@dataclass(frozen=True, kw_only=True)
class Deploys:
    """All of it; what is None was cut off."""

    releases: Sequence[Release] | None
    unknown: Sequence[UnknownTask] | None
    #: Tasks of this release of which no job has ended since counting began.
    unused: Sequence[str] | None


def look() -> Deploys:
    """What workers and the ledger say now."""
    return Deploys(releases=_releases(), unknown=_unknown(), unused=_unused())


def _releases() -> list[Release] | None:
    seen = workers()
    if seen is None:
        return None
    ours = settings().release
    found = {ours: Release(name=ours, is_ours=True)}
    for worker in seen:
        release = found.setdefault(worker.release, Release(name=worker.release, is_ours=False))
        release.workers[worker.life] += 1
        release.since = min(worker.started_at, release.since or worker.started_at)
    return sorted(found.values(), key=lambda one: (one.since is None, one.since), reverse=True)


def _unknown() -> list[UnknownTask] | None:
    found: defaultdict[str, dict[State, int]] = defaultdict(lambda: dict.fromkeys(LIVE, 0))
    for state in LIVE:
        counts = answer(lambda session, state=state: _of_others(session, state))  # type: ignore[misc]
        if counts is None:
            return None
        for task, count in counts.items():
            found[task][state] = count
    # A task of Celery's own may be known though it is not declared.
    return [
        UnknownTask(name=task, jobs=jobs)
        for task, jobs in sorted(found.items())
        if registry.find(task) is None
    ]


def _of_others(session: Session, state: State) -> dict[str, int]:
    others = select(Job.task).where(in_state(state), Job.task.not_in(registry.tasks())).limit(CAP + 1)
    some = others.subquery()
    counts = select(some.c.task, func.count().label("jobs")).group_by(some.c.task)
    return {row.task: row.jobs for row in session.execute(counts)}


def _unused() -> list[str] | None:
    ended = answer(
        lambda session: set(session.scalars(select(JobStat.task).where(JobStat.kind == FINISHED).distinct()))
    )
    if ended is None:
        return None
    return [name for name, spec in registry.tasks().items() if spec.durable and name not in ended]
