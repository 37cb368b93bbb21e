"""Lists of jobs: whatever narrows them, all that fit come once, the newest first, by an index of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event, text, update

from app.db.clock import clock
from app.db.engine import asking_engine, engine
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import TERMINAL, Job, State
from app.jobs.listing import Page, count_jobs, cursor_at, list_jobs
from app.jobs.transitions import recover
from app.jobs.views import JobFilter
from app.schedule import due
from tests.jobs import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.usefixtures("database", "redis_server")
TASKS = (samples.greet.name, samples.sign_in.name)
#: More than fit on one page of data, so that an index is worth its while.
MANY = 1_000


def some(count: int = 1) -> list[str]:
    """Jobs that were accepted at the same moment, of two tasks in turns."""
    with transaction() as session:
        jobs = [new_job(TASKS[number % 2], kwargs=_arguments(number)) for number in range(count)]
        return [answer.id for answer in accept(session, jobs)]


def _arguments(number: int) -> dict[str, str]:
    return {"user": "a", "password": "b"} if number % 2 else {"name": "a"}


def set_state(job_ids: Sequence[str], state: State, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id.in_(job_ids)).values(state=state.value, **values))


def page(states: Sequence[State], **narrowed: Any) -> Page:
    """The first page."""
    with reading() as session:
        return list_jobs(session, filters=JobFilter(**narrowed), states=states, limit=4, cursor=None)


def walked(states: Sequence[State] = (), **narrowed: Any) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    cursor = None
    while True:
        with reading() as session:
            page = list_jobs(session, filters=JobFilter(**narrowed), states=states, limit=4, cursor=cursor)
        found += [job.id for job in page.jobs]
        if page.next is None:
            return found
        cursor = page.next


def walked_back(states: Sequence[State] = (), **narrowed: Any) -> list[str]:
    """The ids on all pages, from the last one to the first one."""
    oldest = walked(states, **narrowed)[-1]
    with reading() as session:
        accepted_at = session.get_one(Job, oldest).accepted_at
    found, cursor = [oldest], cursor_at(accepted_at=accepted_at, job_id=oldest)
    while True:
        with reading() as session:
            page = list_jobs(
                session,
                filters=JobFilter(**narrowed),
                states=states,
                limit=4,
                cursor=cursor,
                backwards=True,
            )
        found[:0] = [job.id for job in page.jobs]
        if page.previous is None:
            return found
        cursor = page.previous


def test_pages_over_all_states_are_one_list(database: Engine) -> None:
    jobs: list[str] = []
    for state in [*State, *State]:
        batch = some(4)
        error = None if state is State.DONE else "ValueError: wrong"
        set_state(batch, state, error=error)
        # Those of one batch share their moment, and stand by their ids.
        jobs += sorted(batch)
    newest = list(reversed(jobs))
    with reading() as session:
        rows = {job.id: job for job in session.query(Job)}

    def fitting(fits: Callable[[Job], bool]) -> list[str]:
        return [job_id for job_id in newest if fits(rows[job_id])]

    assert walked() == walked_back() == newest
    assert walked_back(task=TASKS[0], error="wrong") == walked(task=TASKS[0], error="wrong") != []
    assert walked(task=TASKS[0]) == fitting(lambda job: job.task == TASKS[0])
    assert walked(queue=rows[newest[0]].queue) == fitting(lambda job: job.queue == rows[newest[0]].queue)
    assert walked(error="wrong") == fitting(lambda job: job.state != State.DONE)
    assert walked([State.DONE], error="wrong") == []
    for state in State:
        assert walked([state]) == fitting(lambda job, state=state: job.state == state)  # type: ignore[misc]
    ended = fitting(lambda job: job.state in TERMINAL and job.task == TASKS[1])
    assert walked(sorted(TERMINAL), task=TASKS[1]) == ended


def test_jobs_are_counted_to_one_more_than_is_told(database: Engine) -> None:
    batch = some(6)
    set_state(batch[:2], State.DEAD)
    with reading() as session:
        for most, states, count in ((9, (), 6), (3, (), 4), (9, (State.DEAD,), 2), (1, (State.DEAD,), 2)):
            found = count_jobs(session, filters=JobFilter(), states=states, most=most)
            assert found == count, (most, states)
        assert count_jobs(session, filters=JobFilter(task=TASKS[0]), most=9) == 3


def plans(ask: Callable[[], object]) -> str:
    """How PostgreSQL finds what `ask` asks for, however small its tables are."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    for one in (engine(), asking_engine()):
        event.listen(one, "before_cursor_execute", note)
    ask()
    for one in (engine(), asking_engine()):
        event.remove(one, "before_cursor_execute", note)
    with engine().connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        return "\n".join(
            line
            for statement, parameters in asked
            if "FROM job" in statement
            for line in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars()
        )


@pytest.mark.parametrize(
    ("index", "ask"),
    [
        ("ix_job_ended ", lambda: page([State.CANCELLED])),
        ("ix_job_ended_task", lambda: page([State.DONE], task="no.such")),
        ("ix_job_ended_queue", lambda: page([State.DONE], queue="none")),
        # The time is what the index goes to: it does not read all that are due some time.
        ("Index Cond: (expires_at", recover.end_expired),
        ("Index Cond: (run_at", recover.promote_due),
        ("Index Cond: (run_at", due.look),
        ("Index Cond: (lease_until", recover.end_leases),
        ("ix_job_waiting", lambda: recover.publish_waiting(recover.broker_lists() or [])),
        ("ix_job_ready", lambda: recover.republish_lost(recover.broker_lists() or [])),
    ],
)
def test_what_is_asked_all_the_time_has_an_index(
    database: Engine, index: str, ask: Callable[[], object]
) -> None:
    if database.dialect.name == "sqlite":
        pytest.skip("It is PostgreSQL that holds millions of jobs")
    set_state(some(MANY), State.DONE)
    later = clock(3600)
    set_state(some(MANY), State.SCHEDULED, run_at=later, expires_at=later)
    set_state(some(MANY), State.RUNNING, lease_until=later)
    set_state(some(), State.READY, published_at=None)
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE job"))
    found = plans(ask)
    assert index in found, found
