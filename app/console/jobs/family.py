"""The relatives of a job: what led to it, its group, what follows it, and what it queued while it ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, select

from app.db.clock import now
from app.jobs.ledger.models import Job, JobGroup
from app.jobs.ledger.names import is_name
from app.values.typed_json import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

#: Of each kind, no more are shown.
MAX_SHOWN = 20
#: Of the jobs that were accepted while it ran so many are looked at: nothing else says which it queued.
LOOKED_THROUGH = 2_000


@dataclass(frozen=True, kw_only=True)
class Relative:
    """Another job; without a state it has not been accepted yet, or is forgotten."""

    id: str
    task: str
    state: str | None


@dataclass(frozen=True, kw_only=True)
class Family:
    """The relatives of one job, of each kind up to `MAX_SHOWN`."""

    parents: Sequence[Relative]
    group: Sequence[Relative]
    following: Sequence[Relative]
    queued: Sequence[Relative]
    #: Until when it was looked for what it queued, where that was not until its end.
    looked_until: datetime | None

    @property
    def kinds(self) -> Mapping[str, Sequence[Relative]]:
        """Those that there are, by what they are to the job."""
        named = {
            "Queued by": self.parents,
            "In its group": self.group,
            "Goes on with": self.following,
            "Queued by its last attempt": self.queued,
        }
        return {name: some for name, some in named.items() if some}


def family_of(session: Session, job: Job) -> Family:
    """Who is related to `job`."""
    options: Mapping[str, Any] = job.options if isinstance(job.options, dict) else {}
    before = [str(one) for name in ("parent_id", "root_id") if is_name(one := options.get(name))]
    parents = {one: "" for one in before if one != job.id}
    following = dict(_signatures(session, job, options))
    known = _known(session, [*parents, *following])
    queued, until = _queued(session, job)
    return Family(
        parents=_relatives(parents, known),
        group=_group(session, job),
        following=_relatives(following, known),
        queued=[one for one in queued if one.id not in following],
        looked_until=until,
    )


def _signatures(session: Session, job: Job, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The ids and tasks of what is sent when it is done, as far as they are known by now."""
    chain = options.get("chain")
    links = [*reversed(chain)] if isinstance(chain, list) else []
    links += [options.get("chord")]
    if job.group_id is not None and options.get("chord"):
        links += [session.scalar(select(JobGroup.body).where(JobGroup.id == job.group_id))]
    callbacks = options.get("callbacks")
    links += callbacks if isinstance(callbacks, list) else []
    for link in links[:MAX_SHOWN]:
        given = link.get("options") if isinstance(link, dict) else None
        job_id = given.get("task_id") if isinstance(given, dict) else None
        if is_name(job_id):
            yield str(job_id), str(link.get("task"))


def _known(session: Session, ids: Sequence[str]) -> dict[str, Relative]:
    found = session.execute(select(Job.id, Job.task, Job.state).where(Job.id.in_(ids)))
    return {row.id: Relative(id=row.id, task=row.task, state=row.state) for row in found}


def _relatives(tasks: Mapping[str, str], known: Mapping[str, Relative]) -> list[Relative]:
    return [known.get(one) or Relative(id=one, task=task, state=None) for one, task in tasks.items()]


def _group(session: Session, job: Job) -> list[Relative]:
    if job.group_id is None:
        return []
    of_it = select(Job.id, Job.task, Job.state).where(Job.group_id == job.group_id, Job.id != job.id)
    found = session.execute(of_it.order_by(Job.accepted_at, Job.id).limit(MAX_SHOWN))
    return [Relative(id=row.id, task=row.task, state=row.state) for row in found]


def _queued(session: Session, job: Job) -> tuple[list[Relative], datetime | None]:
    """What its last attempt queued, and until when was looked if not until the end."""
    if job.started_at is None:
        return [], None
    meanwhile = Job.accepted_at.between(job.started_at, job.finished_at or now(session))
    last = select(Job.accepted_at).where(meanwhile).order_by(Job.accepted_at)
    until = session.scalar(last.offset(LOOKED_THROUGH).limit(1))
    # PostgreSQL reads no JSON that holds half a surrogate pair, as a later link's arguments may.
    names_it = cast(Job.options, Text).contains(to_json(job.id), autoescape=True)
    some = select(Job.id, Job.task, Job.state, Job.options).where(
        meanwhile, Job.options.is_not(None), names_it
    )
    if until is not None:
        some = some.where(Job.accepted_at <= until)
    rows = session.execute(some.order_by(Job.accepted_at, Job.id).limit(MAX_SHOWN)).all()
    children = [
        row for row in rows if isinstance(row.options, dict) and row.options.get("parent_id") == job.id
    ]
    return [Relative(id=row.id, task=row.task, state=row.state) for row in children], until
