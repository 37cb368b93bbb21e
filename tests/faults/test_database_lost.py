"""PostgreSQL restarts, turns read-only, ends connections: jobs wait, and no attempt is lost by that."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from celery.app.task import Context
from sqlalchemy import func, select, text

from app.db.engine import dispose_engine as db_let_go
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.jobs.accept import Accepted
from app.jobs.broker.current import broker
from app.jobs.broker.lists import list_of
from app.jobs.declaration import partitions
from app.jobs.factory import new_job
from app.jobs.ledger import store
from app.jobs.ledger.models import Outcome, State, Turn
from app.jobs.transitions import attempt
from app.jobs.web.gathering import Gatherer
from app.outbound.deliveries import turns
from app.settings.config import settings
from app.settings.sources import PREFIX
from app.topology import Priority
from tests.api_client import client_for
from tests.conftest import forget_settings
from tests.faults.cut import Cut
from tests.faults.ledger import effects
from tests.faults.on_own_server import worker_on
from tests.jobs.celery.batches.writing import accepted, writing
from tests.jobs.running import attempts_of, ended, job_of, wait_for_state
from tests.sample import hard_ends, tasks
from tests.servers import PostgresServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fleet import Process


@pytest.fixture(scope="module")
def postgres(postgres_data: Path) -> Iterator[PostgresServer]:
    """A server that the tests of this module may restart."""
    server = PostgresServer()
    server.start(copy_of=postgres_data)
    yield server
    server.close()


@pytest.fixture(scope="module")
def worker(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A worker and a beat on that server."""
    with worker_on(postgres, tmp_path_factory.mktemp("service"), processes=4) as started:
        yield started


def restart(postgres: PostgresServer) -> None:
    postgres.halt()
    postgres.resume()
    dispose_engine()


def dispose_engine() -> None:
    """This process's own connections are gone, too."""
    store.close()
    db_let_go()


def make_read_only(postgres: PostgresServer, *, on: bool) -> None:
    postgres.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
    postgres.execute("SELECT pg_reload_conf()")


@pytest.fixture
def way_back(postgres: PostgresServer, worker: Process) -> Iterator[None]:
    """Whatever a test did to the server, the next one finds it in order, and a worker that has seen so."""
    yield
    if postgres.process and postgres.process.poll() is not None:
        postgres.resume()
    make_read_only(postgres, on=False)
    dispose_engine()
    wait_until(lambda: all_threads_work(worker), seconds=30, what="all threads of the worker work again")


def said(worker: Process, event: str) -> int:
    return worker.log.read_text().count(event)


def all_threads_work(worker: Process) -> bool:
    """A thread that fails says so once, and once when it works again."""
    return said(worker, "thread_works_again") == said(worker, "thread_fails")


def released(job_id: str) -> list[str]:
    return [ended.outcome for ended in attempts_of(job_id)]


pytestmark = [
    pytest.mark.usefixtures("way_back"),
    pytest.mark.redis_only(reason="its service has a Redis of its own"),
]


def test_restarts_under_running_jobs_cost_no_attempt(postgres: PostgresServer, tmp_path: Path) -> None:
    go, names = tmp_path / "go", [f"restart-{number}" for number in range(4)]
    ids = [str(hard_ends.work_until.delay(str(go), name).id) for name in names]
    for _ in range(3):
        for name in names:
            started = tmp_path / f"go.{name}"
            wait_until(started.exists, seconds=30, what=f"{name} runs")
            started.unlink()
        restart(postgres)
    go.touch()
    for job_id, name in zip(ids, names, strict=True):
        job = ended(job_id, seconds=60)
        assert (job.state, job.attempt) == (State.DONE, 1), job.error
        assert set(released(job_id)) == {Outcome.RELEASED}
        assert [found for found in effects() if found.startswith(name)] == [
            f"{name} first half",
            f"{name} second half",
        ]


def test_a_job_that_ends_while_the_database_is_away_is_finished_and_not_run_again(
    postgres: PostgresServer, worker: Process, tmp_path: Path
) -> None:
    go, runs = tmp_path / "go", tmp_path / "go.aside"
    job_id = str(hard_ends.stand_aside_until.delay(str(go), "aside").id)
    wait_until(runs.exists, seconds=20, what="the job runs")
    before = said(worker, "database_away")
    postgres.halt()
    go.touch()
    wait_until(lambda: said(worker, "database_away") > before, seconds=20, what="the worker waits")
    postgres.resume()
    dispose_engine()
    job = ended(job_id, seconds=60)
    assert (job.state, job.attempt, job.result) == (State.DONE, 1, "aside")
    assert attempts_of(job_id) == []
    assert runs.read_text() == "ran\n"


def test_a_failover_longer_than_a_lease_is_waited_for(
    postgres: PostgresServer, worker: Process, tmp_path: Path
) -> None:
    go, runs = tmp_path / "go", tmp_path / "go.failover"
    job_id = str(hard_ends.stand_aside_until.delay(str(go), "failover").id)
    wait_until(runs.exists, seconds=20, what="the job runs")
    before, client = said(worker, "thread_fails"), client_for()
    make_read_only(postgres, on=True)
    refused = client.post("/api/v1/jobs", json={"task": tasks.add.name, "arguments": {"x": 1, "y": 1}})
    assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
    assert refused.headers["Retry-After"]
    assert client.get("/api/v1/jobs").status_code == 200
    wait_until(lambda: said(worker, "thread_fails") > before, seconds=20, what="the heartbeat says so")

    def lease_is_over() -> bool:
        with reading() as session:
            return bool(
                session.scalar(text("SELECT bool_and(lease_until < now()) FROM job WHERE state = 'running'"))
            )

    wait_until(lease_is_over, seconds=20, what="the lease is over")
    go.touch()
    assert said(worker, "thread_fails") == before + 1
    make_read_only(postgres, on=False)
    job = ended(job_id, seconds=60)
    assert (job.state, job.attempt, attempts_of(job_id)) == (State.DONE, 1, [])
    assert runs.read_text() == "ran\n"
    wait_until(lambda: said(worker, "thread_works_again"), seconds=20, what="the heartbeat goes on")


def test_sessions_that_an_administrator_ends_cost_no_attempt(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    go, started = tmp_path / "go", tmp_path / "go.ended"
    job_id = str(hard_ends.work_until.delay(str(go), "ended").id)
    wait_until(started.exists, seconds=20, what="the job runs")
    started.unlink()
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    dispose_engine()
    wait_until(started.exists, seconds=20, what="the job runs again")
    go.touch()
    job = ended(job_id)
    assert (job.state, job.attempt, released(job_id)) == (State.DONE, 1, [Outcome.RELEASED])


def test_a_process_that_dies_while_the_database_is_away_is_recorded_later(
    postgres: PostgresServer, worker: Process, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    job_id = str(hard_ends.die_once.delay(str(go)).id)
    wait_until((tmp_path / "go.started").exists, seconds=20, what="the job runs")
    before = said(worker, "end_waits_for_database")
    postgres.halt()
    go.touch()
    wait_until(lambda: said(worker, "end_waits_for_database") > before, seconds=20, what="it is noticed")
    postgres.resume()
    dispose_engine()
    job = ended(job_id, seconds=60)
    assert (job.state, job.attempt, job.result) == (State.DONE, 2, "survived")
    [lost] = attempts_of(job_id)
    assert lost.outcome == Outcome.LOST
    assert "LeaseEnded" not in str(lost.error)
    assert worker.popen.poll() is None


def test_a_job_that_waits_for_the_database_at_its_time_limit_runs_again(
    postgres: PostgresServer, worker: Process, tmp_path: Path
) -> None:
    go, runs = tmp_path / "go", tmp_path / "go.limit"
    result = hard_ends.stand_aside_and_write.apply_async((str(go), "limit"), time_limit=4)
    wait_until(runs.exists, seconds=20, what="the job runs")
    before = said(worker, "end_waits_for_database")
    postgres.halt()
    go.touch()
    wait_until(lambda: said(worker, "end_waits_for_database") > before, seconds=30, what="its limit came")
    postgres.resume()
    dispose_engine()
    job = ended(str(result.id), seconds=60)
    assert (job.state, job.attempt, job.result) == (State.DONE, 1, "limit")
    assert released(job.id) == [Outcome.RELEASED]


def test_a_finish_that_waits_for_the_database_has_no_time_limit(
    postgres: PostgresServer, worker: Process, tmp_path: Path
) -> None:
    go, runs = tmp_path / "go", tmp_path / "go.left"
    result = hard_ends.stand_aside_until.apply_async((str(go), "left"), time_limit=2)
    wait_until(runs.exists, seconds=20, what="the job runs")
    began, before = time.monotonic(), said(worker, "database_away")
    postgres.halt()
    go.touch()
    wait_until(lambda: said(worker, "database_away") > before, seconds=30, what="the finish waits")
    wait_until(lambda: time.monotonic() > began + 2, seconds=10, what="its limit has passed")
    postgres.resume()
    dispose_engine()
    job = ended(str(result.id), seconds=60)
    assert (job.state, job.attempt, job.result) == (State.DONE, 1, "left")
    assert attempts_of(job.id) == []


@pytest.fixture
def cut(postgres: PostgresServer, worker: Process, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cut]:
    """This process reaches the server by a way that can lose an answer."""
    made = Cut(port=postgres.port)
    monkeypatch.setenv(
        f"{PREFIX}DATABASE_URL", settings().database_url.replace(f":{postgres.port}/", f":{made.port}/")
    )
    forget_settings()
    yield made
    attempt.end_current()
    engine().dispose()
    monkeypatch.undo()
    forget_settings()
    made.close()


def accepted_for_nobody() -> str:
    """A job in a queue that the worker does not drain."""
    return str(tasks.add.apply_async((1, 1), queue="emails").id)


def test_a_claim_whose_answer_is_lost_is_this_attempts_all_the_same(cut: Cut) -> None:
    job_id = accepted_for_nobody()
    assert attempt.begin(job_id=accepted_for_nobody(), attempt=0, worker="here")  # the statement is prepared
    attempt.end_current()
    cut.marker = job_id.encode()
    running = attempt.begin(job_id=job_id, attempt=0, worker="here")
    assert cut.cuts == 1
    assert running
    assert (running.attempt, job_of(job_id).state) == (1, State.RUNNING)
    running.finish("3")
    assert (job_of(job_id).state, job_of(job_id).result) == (State.DONE, 3)


def test_a_claim_whose_answer_is_lost_takes_nothing_from_another_attempt(cut: Cut) -> None:
    job_id = accepted_for_nobody()
    assert attempt.begin(job_id=job_id, attempt=0, worker="here")
    attempt.end_current()
    with transaction() as session:
        session.execute(
            text("UPDATE job SET started_at = started_at - interval '1 min' WHERE id = :id"), {"id": job_id}
        )
    cut.marker = job_id.encode()
    assert attempt.begin(job_id=job_id, attempt=0, worker="here") is None
    assert cut.cuts == 1


def test_jobs_whose_common_answer_is_lost_are_accepted_once(cut: Cut) -> None:
    first, *others = [new_job(tasks.add.name, args=[1, 1], queue="emails") for _ in range(10)]

    async def accepted() -> list[Accepted]:
        gatherer = Gatherer()
        gatherer.start()
        try:
            await gatherer.accept(first)
            cut.marker = others[0].id.encode()
            return await asyncio.gather(*map(gatherer.accept, others))
        finally:
            await asyncio.to_thread(gatherer.close)

    assert asyncio.run(accepted()) == [Accepted(job.id, True, None) for job in others]
    assert cut.cuts == 1
    # Nobody has sent them; beat is told so, and does.
    wait_until(lambda: all_wait([job.id for job in others]), seconds=20, what="they are sent")


def all_wait(ids: list[str]) -> bool:
    """Whether there is a message for each in the queue that the worker does not drain."""
    lists = [list_of(queue="emails", priority=step) for step in Priority]
    messages = b"".join(message for name in lists for message in broker().messages(name) or ())
    return all(job_id.encode() in messages for job_id in ids)


@pytest.mark.parametrize("has_effects", [False, True], ids=["alone", "with effects"])
def test_a_finish_whose_answer_is_lost_counts(cut: Cut, has_effects: bool) -> None:
    job_id = accepted_for_nobody()
    running = attempt.begin(job_id=job_id, attempt=0, worker="here")
    assert running
    if has_effects:
        running.session().execute(text("INSERT INTO effect (name) VALUES ('lost answer')"))
    cut.marker = b"COMMIT" if has_effects else job_id.encode()
    tasks.add.backend.mark_as_done(job_id, 2)
    assert cut.cuts == 1
    assert attempt.current() is None
    job = wait_for_state(job_id, State.DONE)
    assert (job.result, job.attempt, attempts_of(job_id)) == (2, 1, [])
    assert effects().count("lost answer") == int(has_effects)


def test_what_is_claimed_and_finished_in_batches_survives_lost_answers(cut: Cut) -> None:
    jobs = [accepted() for _ in range(3)]
    with writing() as found:
        found.claim(accepted())  # the statement is prepared
        cut.marker = jobs[1].id.encode()
        claimed = found.claim(*jobs)
        assert cut.cuts == 1
        assert [one.claim and one.claim.attempt for one in claimed] == [1, 1, 1]
        assert {job_of(job.id).state for job in jobs} == {State.RUNNING}
        cut.marker = jobs[2].id.encode()
        found.finish(*((one, "2") for one in claimed))
    assert cut.cuts == 2
    assert [(job.state, job.result, job.attempt) for job in map(job_of, (job.id for job in jobs))] == [
        (State.DONE, 2, 1)
    ] * 3


def test_a_finish_whose_transaction_is_gone_gives_the_job_back(cut: Cut) -> None:
    job_id = accepted_for_nobody()
    running = attempt.begin(job_id=job_id, attempt=0, worker="here")
    assert running
    running.session().execute(text("INSERT INTO effect (name) VALUES ('gone')"))
    pid = running.session().scalar(text("SELECT pg_backend_pid()"))
    store.connection().execute(f"SELECT pg_terminate_backend({pid})")
    tasks.add.backend.mark_as_done(job_id, 2)
    job = job_of(job_id)
    assert (job.state, job.attempt, released(job_id)) == (State.READY, 0, [Outcome.RELEASED])
    assert "gone" not in effects()


@pytest.mark.parametrize("lost", [b"INSERT INTO turn", b"COMMIT"])
def test_a_turn_whose_answer_is_lost_is_taken_once_more_and_fails_nobody(cut: Cut, lost: bytes) -> None:
    job_id = accepted_for_nobody()
    running = attempt.begin(job_id=job_id, attempt=0, worker="here")
    assert running
    cut.marker = lost
    turns.take(lost.decode(), per_minute=600)
    assert cut.cuts == 1
    taken = select(func.count()).where(Turn.partition == partitions.paced(lost.decode(), per_minute=600))
    with reading() as session:
        assert session.scalar(taken) == 1, "what was committed before is out of the window, and swept"
    running.finish("3")
    assert (job_of(job_id).state, attempts_of(job_id)) == (State.DONE, [])


def test_a_job_that_brings_the_database_down_each_time_is_not_run_for_ever(cut: Cut) -> None:
    job_id = accepted_for_nobody()
    for _ in range(100):
        with transaction() as session:
            session.execute(text("UPDATE job SET state = 'ready' WHERE state = 'scheduled'"))
        job = job_of(job_id)
        if job.state == State.DEAD:
            break
        running = attempt.begin(
            job_id=job_id,
            attempt=job.attempt,
            worker="here",
            request=Context({"id": job_id, "task": "sample.add"}),
        )
        assert running
        pid = running.session().scalar(text("SELECT pg_backend_pid()"))
        store.connection().execute(f"SELECT pg_terminate_backend({pid})")
        tasks.add.backend.mark_as_done(job_id, 2)
    job = job_of(job_id)
    assert (job.state, job.attempt) == (State.DEAD, job.max_attempts)
    assert len(attempts_of(job_id)) < 40
