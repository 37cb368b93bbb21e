"""Rows that cannot be read, as an older release or a hand left them: the others go on, doctor names them."""

from __future__ import annotations

import atexit
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text, update

from app.celery_app import celery_app
from app.db.clock import clock
from app.db.sessions import transaction
from app.health.doctor import jobs as doctor
from app.health.doctor.finding import Level
from app.jobs.broker import redis
from app.jobs.ledger.models import Attempt, Job, State
from app.jobs.transitions import recover, rollup, unreadable
from app.jobs.web import metrics
from app.schedule.beat import LedgerScheduler
from app.settings.config import settings
from tests.api_client import client_for
from tests.jobs.running import attempts_of, job_of
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("database")

FAR_AWAY = ["58933-01-01 00:00:00.000000", "294276-12-31 23:59:59"]
EVERYWHERE = [
    *[f"run_at = '{moment}', state = 'scheduled'" for moment in FAR_AWAY],
    *[f"expires_at = '{moment}'" for moment in FAR_AWAY],
    "priority = 2147483647",
    "priority = -5",
    """args = '[{"__type__": "x", "__value__": 1}]'""",
    """progress = '[1, 2]', state = 'running'""",
]
ON_POSTGRESQL = [
    "expires_at = 'infinity'",
    "run_at = 'infinity', state = 'scheduled'",
    "run_at = '-infinity'",
]
ON_SQLITE = [
    "priority = 1180591620717411303424",
    "priority = 'high'",
    "args = '{'",
    "kwargs = 'nonsense'",
    "options = '{\"chain\": '",
    "context = ''",
    "progress = x'ff', state = 'running', lease_until = '2020-01-01 00:00:00.000000', attempt = 1",
    "options = '3', expires_at = '2020-01-01 00:00:00.000000'",
    "expires_at = 'soon'",
    "accepted_at = 'once'",
    "attempt = 'x'",
    "run_at = x'00'",
]


def bad_rows() -> list[str]:
    """The ids of jobs, one for each kind of damage."""
    kinds = EVERYWHERE + (ON_SQLITE if settings().is_sqlite else ON_POSTGRESQL)
    ids = [str(tasks.add.apply_async((1, 2), countdown=3600).id) for _ in kinds]
    with transaction() as session:
        session.execute(update(Job).values(state=State.READY, published_at=None))
        for job_id, damage in zip(ids, kinds, strict=True):
            session.execute(text(f"UPDATE job SET {damage} WHERE id = '{job_id}'"))
    return ids


def set_row(job_id: str, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def all_in_the_broker() -> set[str]:
    client: Any = redis.client()
    lists = [client.lrange(name, 0, -1) for name in client.keys("groundwork:default*")]
    return {json.loads(raw)["headers"]["id"] for raws in lists for raw in raws}


@pytest.fixture
def beat(configure: Callable[..., None]) -> Iterator[Callable[[], float]]:
    """One tick of beat, with all that it does only now and then."""
    configure(lease_seconds=1, recover_seconds=1)
    scheduler = LedgerScheduler(app=celery_app, lazy=True)
    yield scheduler.tick
    scheduler._resign()
    atexit.unregister(scheduler._resign)


@pytest.mark.redis_only(reason="it looks into Redis")
def test_beat_goes_on_with_the_others(
    beat: Callable[[], float], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bad_rows()
    due, expired = (str(tasks.add.apply_async((1, 2), countdown=3600).id) for _ in range(2))
    set_row(due, run_at=clock(-1))
    set_row(expired, expires_at=clock(-1))
    held = str(tasks.add.delay(1, 2).id)
    gone = {
        "worker": "w",
        "attempt": 1,
        "fence": 1,
        "started_at": clock(-100),
        "lease_until": clock(-1),
    }
    set_row(held, state=State.RUNNING, **gone)
    beat()
    assert due in all_in_the_broker()
    assert job_of(expired).state == State.CANCELLED
    # Leases are not ended before the workers had their time to renew them.
    assert job_of(held).state == State.RUNNING
    wait_until(lambda: beat() and job_of(held).state != State.RUNNING, seconds=5, what="its lease is ended")
    assert [attempt.outcome for attempt in attempts_of(held)] == ["lost"]
    assert "beat_step_failed" not in capfd.readouterr().out + caplog.text


@pytest.mark.redis_only(reason="it looks into Redis")
def test_what_no_message_can_be_made_of_is_dead_with_the_reason_and_the_rest_is_sent() -> None:
    if not settings().is_sqlite:
        pytest.skip("PostgreSQL takes only JSON in a column of JSON")
    good = [str(tasks.add.delay(1, 2).id) for _ in range(3)]
    bad = str(tasks.add.delay(1, 2).id)
    with transaction() as session:
        session.execute(text("UPDATE job SET published_at = NULL"))
        session.execute(text(f"UPDATE job SET options = 'nonsense' WHERE id = '{bad}'"))
    redis.client().flushall()
    assert recover.publish_waiting(recover.broker_lists() or []) == 4
    assert all_in_the_broker() == set(good)
    job = job_of(bad)
    assert (job.state, job.attempt) == (State.DEAD, 1)
    assert str(job.error).startswith("UnreadableMessage: ")
    recover.publish_waiting(recover.broker_lists() or [])
    assert job_of(bad).attempt == 1


def test_the_api_lists_shows_counts_and_changes_them_all() -> None:
    ids = {*bad_rows(), str(tasks.add.delay(1, 2).id)}
    api = client_for()
    listed = api.get("/api/v1/jobs?limit=500")
    assert listed.status_code == 200
    assert {job["id"] for job in listed.json()["jobs"]} == ids
    for job_id in ids:
        assert api.get(f"/api/v1/jobs/{job_id}").status_code == 200
    first = api.get("/api/v1/jobs?limit=3").json()
    assert api.get("/api/v1/jobs", params={"limit": 500, "cursor": first["next"]}).status_code == 200
    assert api.get("/metrics").status_code == 200
    for job_id in ids:
        assert api.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 200
        assert api.post(f"/api/v1/jobs/{job_id}/retry").status_code == 200


def test_finished_ones_are_counted_and_pruned_with_the_others() -> None:
    bad_rows()
    tasks.add.delay(1, 2)
    long_ago = datetime.now(UTC) - timedelta(days=100)
    ended = {"state": State.DONE, "started_at": long_ago, "finished_at": long_ago, "fence": 1}
    with transaction() as session:
        number = len(session.scalars(update(Job).values(**ended).returning(Job.id)).all())
        session.add(
            Attempt(
                job_id=first_of(session), fence=0, started_at=long_ago, finished_at=long_ago, outcome="lost"
            )
        )
    for _ in range(2):
        with transaction() as session:
            rolled = rollup.roll_up(session)
        assert rolled in (0, number)
    metrics.render()
    with transaction() as session:
        assert rollup.prune(session, before=datetime.now(UTC)) == number


def first_of(session: Any) -> str:
    return str(session.scalars(text("SELECT min(id) FROM job")).one())


def test_the_doctor_names_them() -> None:
    assert doctor.rows_can_be_read().level is Level.OK
    job_id = str(tasks.add.delay(1, 2).id)
    kinds = [kind for kind in EVERYWHERE if not kind.startswith(("args", "progress"))]
    kinds += ON_SQLITE[:6] if settings().is_sqlite else ON_POSTGRESQL[:2]
    for damage in kinds:
        with transaction() as session:
            session.execute(text(f"UPDATE job SET {damage} WHERE id = '{job_id}'"))
        finding = doctor.rows_can_be_read()
        assert (finding.level, job_id in finding.sentence) == (Level.PROBLEM, True), damage
        with transaction() as session:
            session.execute(text("DELETE FROM job"))
        job_id = str(tasks.add.delay(1, 2).id)


def message_of(job_id: str) -> bytes:
    client: Any = redis.client()
    [raw] = [raw for raw in client.lrange("groundwork:default\x06\x166", 0, -1) if job_id.encode() in raw]
    return bytes(raw)


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_message_that_is_quarantined_counts_once_and_for_what_it_is() -> None:
    job_id = str(tasks.add.delay(1, 2).id)
    raw = message_of(job_id)
    assert unreadable.count_attempt(raw, "It is no JSON.") == job_id
    assert unreadable.count_attempt(raw, "It is no JSON.") == job_id
    job = job_of(job_id)
    assert (job.state, job.attempt) == (State.READY, 1)
    assert "It is no JSON." in str(job.error)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'{"headers": 3}', b'{"headers": {"ledger": true}}', b'{"headers": {"id": "x"}}'],
)
def test_what_is_none_of_the_ledgers_has_no_job(raw: bytes) -> None:
    assert unreadable.count_attempt(raw, "It is garbage.") is None


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_message_whose_job_is_gone_counts_for_nothing() -> None:
    job_id = str(tasks.add.delay(1, 2).id)
    raw = message_of(job_id)
    set_row(job_id, state=State.DONE)
    assert unreadable.count_attempt(raw, "It is no JSON.") == job_id
    assert (job_of(job_id).state, job_of(job_id).attempt) == (State.DONE, 0)
