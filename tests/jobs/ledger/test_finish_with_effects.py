"""A job's effects and its finish are committed together, or neither of them is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import event, text, update

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.jobs.ledger import inserting, store
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.new_job import NewJob
from app.jobs.ledger.store import Finish, Message
from app.jobs.ledger.uncommitted import JobSession
from tests.jobs.running import job_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def session() -> Iterator[JobSession]:
    """That of a running job, with an effect that is not committed."""
    new = [NewJob(id=name, task="sample.add", queue="default", priority=6) for name in ("job", "effect")]
    inserting.insert(store.connection(), new)
    store.claim(store.connection(), [Message("job", 0)], worker="first")
    with JobSession(engine()) as opened:
        leave_effect(opened)
        yield opened
        opened.rollback()


def leave_effect(session: JobSession) -> None:
    session.execute(update(Job).where(Job.id == "effect").values(error="written"))


def outcome() -> tuple[str, str | None]:
    return job_of("job").state, job_of("effect").error


def test_both_are_there_at_once(session: JobSession) -> None:
    assert store.finish_with(session, Finish("job", 1, '"said"'))
    assert outcome() == (State.DONE, "written")
    assert job_of("job").result == "said"
    assert not session.in_transaction()


@pytest.mark.parametrize(
    "result",
    ["it's", "\\", "'; DROP TABLE job; --", "%s %% $1", "E'\\'", "žluťoučký 馬 😀", "x" * 2_000_000, None],
)
def test_a_result_is_kept_whatever_is_in_it(session: JobSession, result: object) -> None:
    assert store.finish_with(session, Finish("job", 1, json.dumps(result, ensure_ascii=False)))
    assert (job_of("job").state, job_of("job").result) == (State.DONE, result)


def test_an_old_fence_leaves_neither(session: JobSession) -> None:
    assert not store.finish_with(session, Finish("job", 0, None))
    session.rollback()
    assert outcome() == (State.RUNNING, None)


def test_the_same_session_goes_on_after_either(session: JobSession) -> None:
    assert not store.finish_with(session, Finish("job", 0, None))
    session.rollback()
    leave_effect(session)
    assert store.finish_with(session, Finish("job", 1, None))
    assert session.execute(text("SELECT 1")).scalar() == 1


def test_what_is_done_before_a_commit_belongs_to_it(session: JobSession) -> None:
    @event.listens_for(session, "before_commit")
    def write(_: object) -> None:
        session.execute(update(Job).where(Job.id == "effect").values(error="at the end"))

    assert store.finish_with(session, Finish("job", 1, None))
    assert outcome() == (State.DONE, "at the end")


def test_a_savepoint_that_was_left_open_is_kept(session: JobSession) -> None:
    session.begin_nested()
    session.execute(update(Job).where(Job.id == "effect").values(error="in a savepoint"))
    assert store.finish_with(session, Finish("job", 1, None))
    session.commit()
    assert outcome() == (State.DONE, "in a savepoint")


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("result", ["no JSON", '"\\u0000' + '"x'])
def test_a_result_that_the_database_refuses_leaves_neither(session: JobSession, result: str) -> None:
    with pytest.raises(psycopg.DataError):
        store.finish_with(session, Finish("job", 1, result))
    session.rollback()
    assert outcome() == (State.RUNNING, None)
    leave_effect(session)
    assert store.finish_with(session, Finish("job", 1, None))


@pytest.mark.databases("postgresql")
def test_a_rule_that_is_looked_at_when_all_is_done_undoes_both(session: JobSession) -> None:
    with transaction() as other:
        other.execute(text("CREATE TABLE late (one int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    try:
        session.execute(text("INSERT INTO late VALUES (1), (1)"))
        with pytest.raises(psycopg.IntegrityError):
            store.finish_with(session, Finish("job", 1, None))
        session.rollback()
        assert outcome() == (State.RUNNING, None)
    finally:
        with transaction() as other:
            other.execute(text("DROP TABLE late"))


@pytest.mark.databases("postgresql")
def test_a_connection_that_is_gone_is_told_as_such(session: JobSession) -> None:
    pid = session.execute(text("SELECT pg_backend_pid()")).scalar()
    with reading() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with pytest.raises(psycopg.OperationalError):
        store.finish_with(session, Finish("job", 1, None))
    session.invalidate()
    assert outcome() == (State.RUNNING, None)
