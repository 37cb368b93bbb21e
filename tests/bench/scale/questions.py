"""What is asked of both ledgers: each question gives calls, of which each is timed by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import redis
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.health.checks import looks
from app.health.doctor import fleet, jobs
from app.jobs import cancelling, commands, listing
from app.jobs.accept import accept
from app.jobs.broker.lists import list_of
from app.jobs.factory import new_job
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, State
from app.jobs.lookup import find_id
from app.jobs.service import detail_of
from app.jobs.transitions import overdue, recover, rollup
from app.jobs.views import JobFilter
from app.jobs.web import metrics
from app.schedule import due
from app.settings.config import settings
from tests.bench import tasks
from tests.bench.scale import pages
from tests.bench.scale.filling import DAYS, RARE, SHARES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    Calls = Iterable[Callable[[], object]]

WORKER = "bench@host#1"
ONE_BY_ONE, AT_ONCE = 100, 1_000
PAGE = 20
COMMON = SHARES[0]


def prepare() -> None:
    """Have the broker hold what it would, and the waiting jobs known as such."""
    accept_some(AT_ONCE)
    lists = recover.broker_lists()
    assert lists is not None
    recover.publish_waiting(lists)


def accept_some(count: int) -> None:
    with transaction() as session:
        accept(session, [new_job(tasks.nothing.name) for _ in range(count)])


def accept_known() -> None:
    with transaction() as session:
        accept(session, [new_job(tasks.nothing.name, key="known")])


def _published() -> list[store.Message]:
    """The jobs that workers take next."""
    ready = select(Job.id).where(Job.state == State.READY, Job.published_at.is_not(None))
    with reading() as session:
        ids = session.scalars(ready.order_by(Job.published_at).limit(ONE_BY_ONE)).all()
    return [store.Message(job_id, 0) for job_id in ids]


def claims() -> Calls:
    return [partial(store.claim, store.connection(), [message], worker=WORKER) for message in _published()]


def finishes() -> Calls:
    claimed = store.claim(store.connection(), _published(), worker=WORKER)
    ends = [store.Finish(one.id, one.fence, '{"status": "active"}') for one in claimed]
    return [partial(store.finish, store.connection(), [end]) for end in ends]


def _read(ask: Callable[[Session], object]) -> object:
    with reading() as session:
        return ask(session)


def _page(states: Sequence[State], *, cursor: str | None = None, **narrowed: Any) -> Calls:
    filters = JobFilter.model_validate(narrowed)
    listed = partial(listing.list_jobs, filters=filters, states=states, limit=PAGE, cursor=cursor)
    return [partial(_read, listed)] * 3


def deep_page(**narrowed: Any) -> Calls:
    """Of half the time that is kept, after a cursor that a walk through all pages would have come to."""
    middle = datetime.now(UTC) - timedelta(days=DAYS / 2)
    with reading() as session:
        newest = select(Job.id, Job.accepted_at).order_by(Job.accepted_at.desc()).limit(1)
        row = session.execute(newest.where(Job.accepted_at < middle)).first()
        row = row or session.execute(newest).first()
    assert row is not None
    return _page((), cursor=listing.cursor_of(cast("Row[Any]", row)), **narrowed)


def _some_ids() -> Sequence[str]:
    with reading() as session:
        return session.scalars(select(Job.id).limit(20)).all()


def details() -> Calls:
    return [partial(_read, partial(detail_of, job_id=job_id)) for job_id in _some_ids()]


def prefixes() -> Calls:
    return [partial(_read, partial(find_id, prefix=job_id[:-2])) for job_id in _some_ids()[:1]]


def publishes() -> Calls:
    """Workers have taken a thousand messages of one list, and beat fills it again."""
    chosen = settings()
    broker = redis.Redis.from_url(chosen.redis_url.get_secret_value())
    name = chosen.redis_prefix + list_of(queue=COMMON.queue, priority=COMMON.priority)
    broker.rpop(name, AT_ONCE)
    return [lambda: recover.publish_waiting(recover.broker_lists() or [])]


def prunes() -> Calls:
    """Batches of the day that is kept no longer."""

    def prune() -> None:
        with transaction() as session:
            rollup.prune(session, before=datetime.now(UTC) - timedelta(days=DAYS - 1))

    return [prune] * 20


def _roll_up() -> None:
    with transaction() as session:
        rollup.roll_up(session)


QUESTIONS: dict[str, Callable[[], Calls]] = {
    "accept, one by one": lambda: [partial(accept_some, 1)] * ONE_BY_ONE,
    "accept, 1,000 at once": lambda: [partial(accept_some, AT_ONCE)] * 5,
    "accept, its key is known": lambda: [accept_known] * ONE_BY_ONE,
    "claim": claims,
    "finish": finishes,
    "list, newest": lambda: _page(()),
    "list, done": lambda: _page((State.DONE,)),
    "list, ready": lambda: _page((State.READY,)),
    "list, running": lambda: _page((State.RUNNING,)),
    "list, scheduled": lambda: _page((State.SCHEDULED,)),
    "list, dead": lambda: _page((State.DEAD,)),
    "list, cancelled": lambda: _page((State.CANCELLED,)),
    "list, a task of many": lambda: _page((), task=COMMON.task),
    "list, a task of few": lambda: _page((), task=RARE.task),
    "list, a queue of many": lambda: _page((), queue=COMMON.queue),
    "list, a queue of few": lambda: _page((), queue=RARE.queue),
    "list, done of a queue of many": lambda: _page((State.DONE,), queue=COMMON.queue),
    "list, dead with an error": lambda: _page((State.DEAD,), error="unavailable"),
    "list, any with an error": lambda: _page((), error="no such text"),
    "list, deep": deep_page,
    "list, deep, a queue of many": lambda: deep_page(queue=COMMON.queue),
    "show by id": details,
    "show by part of the id": prefixes,
    "beat: what is due": lambda: [due.look] * 5,
    "beat: promote": lambda: [recover.promote_due] * 5,
    "beat: end leases": lambda: [recover.end_leases] * 5,
    "beat: end expired": lambda: [recover.end_expired] * 3,
    "beat: publish what waits": publishes,
    "beat: nothing to publish": lambda: [lambda: recover.publish_waiting(recover.broker_lists() or [])] * 3,
    "beat: find lost": lambda: [lambda: recover.republish_lost(recover.broker_lists() or [])] * 3,
    "beat: roll up": lambda: [_roll_up],
    "beat: prune 1,000": prunes,
    "count overdue": lambda: (
        [lambda: _read(lambda session: overdue.count_overdue(session, recover.broker_lists()))] * 3
    ),
    "metrics": lambda: [metrics.render] * 3,
    "health: queues": lambda: [looks._ready] * 3,
    "doctor: rows": lambda: [jobs.rows_can_be_read] * 2,
    "doctor: queues": lambda: [fleet.jobs_wait_in_known_queues] * 2,
    "jobs stats": lambda: [commands.counts],
    "jobs cancel --waiting: count": lambda: [
        lambda: _read(
            lambda session: cancelling.count_waiting(session, filters=JobFilter(queue=COMMON.queue))
        )
    ],
    **pages.QUESTIONS,
}
