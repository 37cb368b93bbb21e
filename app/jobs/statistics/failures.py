"""Attempts that failed and jobs that are dead, grouped by task and error.

Errors are not counted as they come: they are looked through, the newest first and no more than `MAX_READ`
of them, and the answer says how far back that reached.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 (the API reads the annotations when it runs)
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import exists, func, literal_column, select

from app.db.clock import now as db_now
from app.jobs.ledger.models import Attempt, Job, Outcome, State
from app.jobs.ledger.seal import MASK
from app.jobs.ledger.states import in_state
from app.jobs.statistics import fingerprints
from app.jobs.statistics.errors import UnusableSpan
from app.jobs.statistics.figures import usual_begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

MAX_READ, MAX_GROUPS = 5_000, 200
_FAILED = (Outcome.RETRIED, Outcome.FAILED, Outcome.LOST)


class _Failure(NamedTuple):
    job_id: str
    task: str
    state: str
    #: None for a job that died without an attempt.
    outcome: str | None
    release: str | None
    at: datetime
    error: str | None


class _Dead(NamedTuple):
    job_id: str
    task: str
    release: str | None
    at: datetime | None
    error: str | None
    accepted_at: datetime

    def as_failure(self) -> _Failure:
        """It, counted like an attempt."""
        at = self.at or self.accepted_at
        return _Failure(self.job_id, self.task, State.DEAD, None, self.release, at, self.error)


@dataclass(kw_only=True)
class Group:
    """Failures of a task that have the same error."""

    fingerprint: str
    task: str
    #: The error without what differs each time.
    title: str
    first_seen_at: datetime
    last_seen_at: datetime
    #: The job that failed last.
    last_job_id: str
    failures: int = 0
    #: Of their jobs, those that are dead now.
    dead: int = 0
    #: Those that it was seen in, in the order in which it was.
    releases: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Members:
    """The jobs of a group with the moments at which they failed last, and those of them that are dead now."""

    failed_at: dict[str, datetime] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Groups:
    """What was found, those with the most failures first."""

    groups: list[Group]
    #: What failed before was not looked at.
    searched_back_to: datetime
    #: Whether that is all of the span that was asked for.
    is_whole: bool
    #: Whether there are more groups than an answer has.
    has_more: bool


def groups(
    session: Session,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    task: str | None = None,
    shows: Callable[[str], bool] = lambda task: True,  # noqa: ARG005 (all of any task)
) -> Groups:
    """The failures of a span: a day until now where it is left out.

    Where `shows` says no of a task, its errors are told apart by their classes alone. Raises `UnusableSpan`.
    """
    read, back_to, begin = _read(session, begin=begin, end=end, task=task)
    found, _ = _grouped(read, shows=shows)
    most = sorted(found.values(), key=lambda group: (-group.failures, group.task, group.title))
    return Groups(
        groups=most[:MAX_GROUPS],
        searched_back_to=back_to,
        is_whole=back_to == begin,
        has_more=len(most) > MAX_GROUPS,
    )


def with_members(
    session: Session, *, begin: datetime, end: datetime | None = None, shows: Callable[[str], bool]
) -> list[tuple[Group, Members]]:
    """All groups as `groups` finds them, each with its jobs."""
    read, _, _ = _read(session, begin=begin, end=end, task=None)
    found, members = _grouped(read, shows=shows)
    return [(group, members[key]) for key, group in found.items()]


def newest(members: Iterable[Members]) -> list[str]:
    """The jobs, each once, those that failed last first."""
    at: dict[str, datetime] = {}
    for some in members:
        for job_id, moment in some.failed_at.items():
            at[job_id] = max(moment, at.get(job_id, moment))
    return sorted(at, key=lambda job_id: (at[job_id], job_id), reverse=True)


def _read(
    session: Session, *, begin: datetime | None, end: datetime | None, task: str | None
) -> tuple[list[_Failure], datetime, datetime]:
    """What failed, since when that is known, and since when it was asked for."""
    end = db_now(session) if end is None else end
    begin = usual_begin(end) if begin is None else begin
    if begin >= end:
        raise UnusableSpan(begin=begin, end=end)
    attempts, dead = _attempts(session, begin=begin, end=end), _dead(session, begin=begin, end=end)
    cut = [attempts[-1].at] if len(attempts) == MAX_READ else []
    cut += session.scalars(_dead_first().with_only_columns(Job.accepted_at).offset(MAX_READ - 1).limit(1))
    back_to = max([begin, *cut])
    read = [*attempts, *(one.as_failure() for one in dead)]
    return [one for one in read if back_to <= one.at < end and task in {None, one.task}], back_to, begin


def _attempts(session: Session, *, begin: datetime, end: datetime) -> list[_Failure]:
    """Attempts that ended in the span, the newest first; those of which nobody failed, too."""
    newest = (
        select(
            Attempt.job_id,
            Attempt.outcome,
            Attempt.release,
            Attempt.finished_at,
            _beginning_of(Attempt.error),
        )
        .where(Attempt.finished_at >= begin, Attempt.finished_at < end)
        .order_by(Attempt.finished_at.desc())
        .limit(MAX_READ)
        .subquery()
    )
    rest = (newest.c.outcome, newest.c.release, newest.c.finished_at, newest.c.error)
    found = select(newest.c.job_id, Job.task, Job.state, *rest).join(Job, Job.id == newest.c.job_id)
    return [_Failure(*row) for row in session.execute(found.order_by(newest.c.finished_at.desc()))]


def _dead(session: Session, *, begin: datetime, end: datetime) -> list[_Dead]:
    """Jobs that died in the span, of which no attempt says how: they never began, or could not be read."""
    newest = _dead_first().limit(MAX_READ).subquery()
    at = func.coalesce(newest.c.finished_at, newest.c.accepted_at)
    attempt = (Attempt.job_id == newest.c.id) & (Attempt.fence == newest.c.fence)
    # Of those alone that are left: for all that are dead, all attempts would be read.
    has_failed = exists().where(attempt, Attempt.outcome.in_((Outcome.FAILED, Outcome.LOST)))
    found = select(
        newest.c.id,
        newest.c.task,
        newest.c.release,
        newest.c.finished_at,
        _beginning_of(newest.c.error),
        newest.c.accepted_at,
    ).where(at >= begin, at < end, ~has_failed)
    return [_Dead(*row) for row in session.execute(found).all()]


def _dead_first() -> Select[Any]:
    """Dead jobs, those that were accepted last first, as an index has them."""
    columns: list[Any] = [Job.id, Job.fence, Job.task, Job.release, Job.finished_at, Job.error]
    return select(*columns, Job.accepted_at).where(in_state(State.DEAD)).order_by(Job.accepted_at.desc())


def _beginning_of(error: ColumnElement[Any] | InstrumentedAttribute[str | None]) -> ColumnElement[str | None]:
    """The beginning of an error: a whole one may be long, and there are many."""
    return func.substr(error, 1, literal_column(str(fingerprints.MAX_READ))).label("error")


def _grouped(
    failures: Iterable[_Failure], *, shows: Callable[[str], bool]
) -> tuple[dict[tuple[str, str], Group], dict[tuple[str, str], Members]]:
    found: dict[tuple[str, str], Group] = {}
    members: defaultdict[tuple[str, str], Members] = defaultdict(Members)
    known = lru_cache(maxsize=MAX_READ)(fingerprints.fingerprint)
    # The oldest first, so that what is said of the last is the last's.
    for one in sorted(failures, key=lambda failure: failure.at):
        if one.outcome is not None and one.outcome not in _FAILED:
            continue
        mark = known(one.error)
        key = (one.task, mark.title if shows(one.task) else mark.kind or MASK)
        group = found.get(key) or found.setdefault(key, _begun(*key, one))
        group.failures += 1
        group.last_seen_at, group.last_job_id = one.at, one.job_id
        if one.release and one.release not in group.releases:
            group.releases.append(one.release)
        members[key].failed_at[one.job_id] = one.at
        if one.state == State.DEAD:
            members[key].dead.add(one.job_id)
            group.dead = len(members[key].dead)
    return found, members


def _begun(task: str, title: str, first: _Failure) -> Group:
    return Group(
        fingerprint=fingerprints.digest(task, title),
        task=task,
        title=title,
        first_seen_at=first.at,
        last_seen_at=first.at,
        last_job_id=first.job_id,
    )
