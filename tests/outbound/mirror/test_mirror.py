"""A plain Celery client elsewhere reads what became of each job, from each kind of store."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, chain
from celery.exceptions import TaskRevokedError
from celery.result import AsyncResult
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.health.doctor.finding import Level
from app.health.doctor.mirror import LATE, results_are_mirrored
from app.jobs.ledger import encoding, store
from app.jobs.ledger.models import Job
from app.jobs.service import cancel_job
from app.outbound.mirror import triggers
from app.outbound.mirror.models import ResultNote
from app.outbound.mirror.stores import MAX_BYTES, store_at
from app.outbound.mirror.writer import BATCH, Mirror, write_some
from app.settings.config import settings
from tests.jobs.over_http import claimed
from tests.sample.tasks import add, echo, echo_secret, fail_for_good, has_a_bug
from tests.servers import RedisServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from app.outbound.mirror.stores import Store
    from tests.fleet import Fleet
    from tests.outbound.mirror.conftest import Elsewhere

SECONDS = 60


def the_store() -> Store:
    place = settings().mirror
    assert place is not None
    return store_at(place)


def done(result: Any) -> str:
    """A job that has ended with that result."""
    job_id = str(echo.delay().id)
    ended = store.Finish(job_id, claimed(job_id).fence, encoding.encode(result))
    assert store.finish(store.connection(), [ended]) == {job_id}
    return job_id


def read(client: Celery, job_id: str) -> Any:
    return AsyncResult(job_id, app=client)


def result_in(client: Celery, job_id: str) -> Any:
    return read(client, job_id).result


def count_notes() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(ResultNote)) or 0


@pytest.mark.databases("postgresql")
def test_a_client_elsewhere_reads_what_workers_have_made(
    mirrored: Elsewhere, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.start_beat()
    wait_until(triggers.are_there, seconds=SECONDS, what="ends are noted")
    fleet.start_worker()
    client = mirrored.client()
    sent = [add.delay(2, 3), fail_for_good.delay(), has_a_bug.delay()]
    good, bad, broken = (read(client, one.id) for one in sent)
    assert good.get(timeout=SECONDS, interval=0.05) == 5
    with pytest.raises(Exception, match="no repetition mends this") as raised:
        bad.get(timeout=SECONDS, interval=0.05)
    assert type(raised.value).__name__ == "PermanentError"
    assert bad.state == "FAILURE"
    assert "Traceback" in str(bad.traceback)
    with pytest.raises(ValueError, match="a bug"):
        broken.get(timeout=SECONDS, interval=0.05)
    last: Any = chain(add.s(1, 2), add.s(4)).delay()
    assert read(client, last.id).get(timeout=SECONDS, interval=0.05) == 7
    first = read(client, last.parent.id)
    assert first.get(timeout=SECONDS, interval=0.05) == 3
    assert [child.id for child in first.children or []] == [last.id]


def test_each_result_is_read_as_it_was(database: Engine, mirrored: Elsewhere) -> None:
    triggers.put()
    values = [
        None, 5, "", "Zażółć 💶 \0 \ud800", {"a": [1.5, True, None]}, "x" * 1_048_576, 2**70,
        {"at": datetime(2026, 1, 31, tzinfo=UTC)}, list(range(1_000)),
    ]  # fmt: skip
    ids = [done(value) for value in values]
    assert count_notes() == len(ids)
    assert write_some(the_store()) == len(ids)
    assert count_notes() == 0
    client = mirrored.client()
    for job_id, value in zip(ids, values, strict=True):
        found = read(client, job_id)
        assert (found.state, found.result) == ("SUCCESS", value)
        with reading() as session:
            finished = session.get_one(Job, job_id).finished_at
        assert finished is not None
        assert found.date_done is not None
        assert abs((found.date_done.replace(tzinfo=UTC) - finished).total_seconds()) < 1.1


@pytest.mark.databases("sqlite")
def test_a_cancelled_job_is_revoked_and_nothing_sealed_is_shown(
    database: Engine, mirrored: Elsewhere
) -> None:
    triggers.put()
    waiting = str(echo.delay().id)
    with transaction() as session:
        cancel_job(session, job_id=waiting, reason="by hand")
    secret = str(echo_secret.delay(secret="wide rivers").id)
    with reading() as session:
        sealed = session.get_one(Job, secret).kwargs["secret"]
    ended = store.Finish(secret, claimed(secret).fence, encoding.encode({"kept": [sealed]}))
    store.finish(store.connection(), [ended])
    write_some(the_store())
    client = mirrored.client()
    revoked = read(client, waiting)
    assert (revoked.state, type(revoked.result)) == ("REVOKED", TaskRevokedError)
    assert result_in(client, secret) == {"kept": ["***"]}


@pytest.mark.databases("sqlite")
def test_a_store_that_is_away_keeps_nobody_waiting_and_gets_all_when_it_is_back(
    database: Engine, mirrored: Elsewhere, request: pytest.FixtureRequest
) -> None:
    triggers.put()
    server = mirrored.server
    before = done("before")
    the_store_here = the_store()
    write_some(the_store_here)
    # Not afterwards: a Redis that is killed may have kept to itself what it was to write to its file.
    assert result_in(mirrored.client(), before) == "before"
    assert server.process
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    ids = [done(number) for number in range(BATCH + 10)]
    mirror = Mirror()
    for _ in range(2):
        mirror._try()
    assert mirror.fails
    assert mirror.pause() >= 2
    assert count_notes() == len(ids)
    with transaction() as session:
        session.execute(update(ResultNote).values(noted_at=clock(-LATE.total_seconds() - 5)))
    finding = results_are_mirrored()
    assert (finding.level, str(len(ids)) in finding.sentence) == (Level.PROBLEM, True)
    server.start() if isinstance(server, RedisServer) else server.resume()
    mirror._try()
    assert not mirror.fails
    assert count_notes() == 0
    assert results_are_mirrored().level is Level.OK
    client = mirrored.client()
    assert [result_in(client, job_id) for job_id in ids] == list(range(BATCH + 10))


@pytest.mark.databases("sqlite")
def test_a_result_that_is_refused_keeps_no_other_from_being_written(
    database: Engine, mirrored: Elsewhere
) -> None:
    triggers.put()
    first, large, last = done(1), done("x" * (MAX_BYTES + 1)), done(2)
    assert write_some(the_store()) == 3
    client = mirrored.client()
    assert [result_in(client, one) for one in (first, large, last)] == [1, None, 2]
    assert write_some(the_store()) == 0, "it is not tried again"
    finding = results_are_mirrored()
    assert (finding.level, finding.sentence.startswith("1 results were refused")) == (Level.WARNING, True)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("elsewhere", ["mysql"], indirect=True)
def test_a_table_that_a_client_made_refuses_what_it_has_no_room_for(
    database: Engine, mirrored: Elsewhere
) -> None:
    client = mirrored.client()
    assert read(client, "nobody").state == "PENDING", "the client has made its table"
    triggers.put()
    small, large = done("small"), done("x" * 100_000)
    assert write_some(the_store()) == 2
    assert [result_in(client, one) for one in (small, large)] == ["small", None]
    finding = results_are_mirrored()
    assert (finding.level, "LONGBLOB" in str(finding.fix)) == (Level.WARNING, True)


@pytest.mark.databases("sqlite")
def test_a_job_that_ends_again_is_written_again(database: Engine, mirrored: Elsewhere) -> None:
    triggers.put()
    job_id = done("first")
    write_some(the_store())
    with transaction() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(state="ready", finished_at=None, attempt=0)
        )
    ended = store.Finish(job_id, claimed(job_id).fence, encoding.encode("second"))
    store.finish(store.connection(), [ended])
    write_some(the_store())
    assert result_in(mirrored.client(), job_id) == "second"


def test_without_a_mirror_nothing_is_noted_and_what_was_is_forgotten(
    database: Engine, configure: Callable[..., None]
) -> None:
    assert not triggers.are_there()
    done(1)
    assert count_notes() == 0
    for _ in range(2):
        triggers.put()
    done(2)
    assert count_notes() == 1
    assert results_are_mirrored().level is Level.OK
    Mirror().work()
    assert not triggers.are_there()
    assert count_notes() == 0
    configure(result_mirror="redis://127.0.0.1:1/0")
    assert results_are_mirrored().level is Level.PROBLEM


def test_what_does_not_commit_is_not_noted(database: Engine) -> None:
    triggers.put()
    job_id = str(echo.delay().id)
    with Session(database) as session:
        cancel_job(session, job_id=job_id, reason="by hand")
        session.rollback()
    assert count_notes() == 0
