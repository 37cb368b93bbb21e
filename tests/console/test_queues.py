"""The pages of queues and workers, and the quarantine, from which somebody discards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.console import queues
from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.domains.audit.service import OPERATION_TASK
from app.jobs.accept import accept
from app.jobs.declaration import registry
from app.jobs.factory import new_job
from app.jobs.fleet import Life
from app.jobs.ledger.models import Job, State, Worker
from app.jobs.quarantine import quarantine
from app.topology import POOLS
from tests.console.browser import HERE, signed_in
from tests.jobs import samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.usefixtures("redis_server")
QUEUES, WORKERS, QUARANTINE = "/console/queues", "/console/workers", "/console/quarantine"
DISCARD = f"{QUARANTINE}/discard"
QUEUE = registry.spec_of(samples.greet.name).queue
BULK = next(pool for pool in POOLS if QUEUE in pool.queues)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe"


def add_worker(name: str, node: str, *, silent: bool = False, signed_off: bool = False) -> None:
    seen = datetime.now(UTC) - timedelta(hours=1 if silent else 0)
    with transaction() as session:
        session.add(
            Worker(
                name=name,
                node=node,
                release="r1",
                concurrency=4,
                started_at=seen,
                seen_at=seen,
                signed_off=signed_off,
            )
        )


def add_job(*, worker: str | None = None) -> str:
    with transaction() as session:
        [accepted] = accept(session, [new_job(samples.greet.name, kwargs={"name": "Ada"})])
        if worker:
            running = {"state": State.RUNNING.value, "worker": worker, "started_at": datetime.now(UTC)}
            session.execute(update(Job).where(Job.id == accepted.id).values(**running))
    return accepted.id


def acts() -> list[dict[str, Any]]:
    """What the audit log is told."""
    with reading() as session:
        jobs = session.scalars(select(Job.kwargs).where(Job.task == OPERATION_TASK).order_by(Job.id)).all()
    return [record for kwargs in jobs for record in kwargs["records"] if record["method"] == "JOB"]


def discard(client: TestClient, entry: str, reason: str = "seen to") -> Any:
    return client.post(DISCARD, data={"entry": entry, "reason": reason}, headers=HERE)


def test_a_queue_shows_what_waits_what_runs_and_who_takes_it(database: Engine) -> None:
    add_worker("w", f"{BULK.name}@here")
    add_worker("gone", f"{BULK.name}@there", silent=True)
    add_job()
    add_job(worker="w")
    found = {queue.name: queue for queue in queues.queues()}[QUEUE]
    assert found.depth is not None
    assert (found.depth.waiting, found.runs, found.places, found.stands) == (1, 1, 4, False)
    assert found.pools == [BULK]
    page = signed_in(Role.VIEWER).get(QUEUES)
    assert page.status_code == 200
    assert f"{BULK.name} ({BULK.concurrency} processes)" in page.text


def test_jobs_that_nobody_takes_are_named(database: Engine) -> None:
    add_worker("w", f"{BULK.name}@here", signed_off=True)
    assert not any(queue.stands for queue in queues.queues())
    add_job()
    assert [queue.name for queue in queues.queues() if queue.stands] == [QUEUE]
    assert "nobody takes its jobs" in signed_in().get(QUEUES).text


@pytest.mark.databases("sqlite")
def test_limits_that_tasks_declare_are_shown(database: Engine) -> None:
    limited = [spec for spec in registry.tasks().values() if spec.limits]
    page = signed_in().get(QUEUES).text
    assert limited
    for spec in limited:
        assert spec.name in page


@pytest.mark.databases("sqlite")
def test_a_broker_that_is_away_leaves_the_rest_of_the_page(
    database: Engine, configure: Callable[..., None]
) -> None:
    client = signed_in()
    configure(redis_url="redis://127.0.0.1:1/0")
    assert "not known" in client.get(QUEUES).text
    assert "does not answer" in client.get(QUARANTINE).text


def test_a_worker_shows_what_it_runs_and_whether_it_lives(database: Engine) -> None:
    for name, silent, signed_off in (
        ("a", False, False),
        ("b", False, True),
        ("c", True, False),
        ("d", True, True),
    ):
        add_worker(name, f"{BULK.name}@{name}", silent=silent, signed_off=signed_off)
    add_worker("e", HOSTILE)
    job_id = add_job(worker="a")
    found = {worker.node.partition("@")[2]: worker for worker in queues.workers() or ()}
    assert [found[name].life for name in "abcd"] == [Life.TAKES_JOBS, Life.DRAINS, Life.SILENT, Life.ENDED]
    assert [run.job_id for run in found["a"].runs] == [job_id]
    page = signed_in(Role.VIEWER).get(WORKERS).text
    assert job_id in page
    assert "queues of its own" in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert f'href="/console/jobs/{job_id}"' in page


@pytest.mark.databases("sqlite")
def test_one_entry_of_the_quarantine_is_discarded_with_a_reason_and_the_others_stay(database: Engine) -> None:
    for number in range(3):
        quarantine.add(f"{HOSTILE} {number}".encode(), queue="default", problem="It is not JSON.")
    client = signed_in(Role.ADMIN)
    page = client.get(QUARANTINE).text
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;\\x1b[31mred") == 3
    entry = quarantine.entries()[1]
    for _ in range(2):
        assert discard(client, entry["id"]).headers["Location"] == QUARANTINE
    assert [each["head"][-1] for each in quarantine.entries()] == ["2", "0"]
    [act] = acts()
    assert act["title"] == "Discard what is in quarantine"
    assert act["arguments"] == {"entry": entry["id"], "reason": "seen to"}
    assert act["user_name"].startswith("user:")


@pytest.mark.databases("sqlite")
def test_how_a_message_begins_is_for_administrators(database: Engine) -> None:
    quarantine.add(b"somebody's secret", queue="default", problem="It is not JSON.")
    assert "somebody&#39;s secret" in signed_in(Role.ADMIN).get(QUARANTINE).text
    for role in (Role.OPERATOR, Role.VIEWER):
        page = signed_in(role).get(QUARANTINE)
        assert (page.status_code, "secret" in page.text) == (200, False)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("reason", ["", "  ", "\u202e\u200b", "a\x00b", "x" * 501])
def test_without_a_reason_that_can_be_kept_nothing_is_discarded(database: Engine, reason: str) -> None:
    quarantine.add(b"garbage", queue="default", problem="It is not JSON.")
    answer = discard(signed_in(), quarantine.entries()[0]["id"], reason)
    assert (answer.status_code, "Nothing was done" in answer.text) == (422, True)
    assert len(quarantine.entries()) == 1


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("entry", ["", "no such entry", "x" * 10_000, "' OR 1=1", "наличие"])
def test_what_is_not_there_is_discarded_already(database: Engine, entry: str) -> None:
    quarantine.add(b"garbage", queue="default", problem="It is not JSON.")
    assert discard(signed_in(), entry).status_code == 303
    assert len(quarantine.entries()) == 1
    assert acts() == []


@pytest.mark.databases("sqlite")
def test_a_broker_that_does_not_answer_is_said_and_nothing_is_noted(
    database: Engine, configure: Callable[..., None]
) -> None:
    client = signed_in()
    configure(redis_url="redis://127.0.0.1:1/0")
    answer = discard(client, "a" * 32)
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
    assert acts() == []
