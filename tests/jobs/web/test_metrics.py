"""The metrics: what is counted, that nothing is counted twice or lost, and what is overdue."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, func, insert, select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.broker import redis
from app.jobs.broker.current import broker
from app.jobs.declaration import partitions
from app.jobs.ledger.models import Attempt, Job, JobGroup, Outcome, State, Turn, Worker
from app.jobs.quarantine import quarantine
from app.jobs.transitions import rollup
from app.jobs.web import metrics
from app.settings.config import settings
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish, roll_up
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

pytestmark = pytest.mark.usefixtures("database")

TASK, QUEUE = samples.greet.name, "maintenance"
LABELS = {"task": TASK, "queue": QUEUE}
LONG_AGO = timedelta(hours=2)
ASK_AT_ONCE = 16
#: How long jobs are kept here, and how long ago some ended.
KEPT, OLD, YOUNG = timedelta(hours=3), timedelta(hours=4), timedelta(hours=2)


def sample(name: str, **labels: str) -> float | None:
    """The value of one sample of the rendered metrics."""
    for family in text_string_to_metric_families(metrics.render().decode()):
        for found in family.samples:
            if found.name == f"groundwork_{name}" and labels.items() <= found.labels.items():
                return found.value
    return None


def test_live_jobs_are_counted_by_state_task_and_queue() -> None:
    ids = accepted(6)
    change(ids[:2], state=State.RUNNING)
    change(ids[2:3], state=State.DEAD)
    assert sample("jobs", state="ready", **LABELS) == 3
    assert sample("jobs", state="running", **LABELS) == 2
    assert sample("jobs", state="dead", **LABELS) == 1


def test_many_who_ask_at_once_share_a_look(database: Engine) -> None:
    looks: list[str] = []
    all_ask = Barrier(ASK_AT_ONCE)

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM job_stat" in statement:
            looks.append(statement)

    def ask() -> bytes:
        all_ask.wait()
        return metrics.shared.text()

    event.listen(database, "before_cursor_execute", note)
    with ThreadPoolExecutor(ASK_AT_ONCE) as pool:
        answers = [asked.result() for asked in [pool.submit(ask) for _ in range(ASK_AT_ONCE)]]
    event.remove(database, "before_cursor_execute", note)
    assert all(b"groundwork_jobs_overdue" in answer for answer in answers)
    assert 0 < len(looks) < ASK_AT_ONCE


def test_nobody_is_given_a_look_that_began_before_they_asked() -> None:
    assert b"groundwork_jobs{" not in metrics.shared.text()
    accepted()
    assert b"groundwork_jobs{" in metrics.shared.text()


def test_finished_work_is_counted_once_and_by_outcome() -> None:
    ids = accepted(5)
    finish(ids[:3], ago=LONG_AGO)
    finish(ids[3:4], ago=LONG_AGO, state=State.DEAD)
    assert roll_up() == 4
    assert roll_up() == 0
    assert sample("jobs_finished_total", state="done", **LABELS) == 3
    assert sample("jobs_finished_total", state="dead", **LABELS) == 1
    assert sample("attempts_total", outcome="done", **LABELS) == 3
    finish(ids[4:], ago=rollup.SETTLED - timedelta(seconds=0.5))
    wait_until(lambda: roll_up() == 1, seconds=10, what="the last job is counted")
    assert sample("jobs_finished_total", state="done", **LABELS) == 4


def test_what_ended_just_now_waits_until_all_ends_of_its_time_are_committed() -> None:
    finish(accepted(), ago=timedelta(seconds=5))
    assert roll_up() == 0
    assert sample("jobs_finished_total", state="done", **LABELS) == 0


def test_the_first_end_of_a_task_is_a_step_from_0() -> None:
    assert sample("jobs_finished_total", state="dead", **LABELS) == 0
    assert sample("attempts_total", outcome="lost", **LABELS) == 0
    finish(accepted(), ago=LONG_AGO, state=State.DEAD)
    roll_up()
    assert sample("jobs_finished_total", state="dead", **LABELS) == 1
    assert sample("jobs_finished_total", state="done", **LABELS) == 0


def test_it_is_told_up_to_when_ends_are_counted() -> None:
    assert sample("rolled_up_timestamp_seconds") is None
    roll_up()
    counted = sample("rolled_up_timestamp_seconds")
    assert counted is not None
    with reading() as session:
        assert rollup.watermark(session) == datetime.fromtimestamp(counted, tz=UTC)


def test_the_release_that_answers_is_told() -> None:
    assert sample("build_info", release=settings().release) == 1


def test_an_attempt_that_was_retried_is_counted_before_its_job_ends() -> None:
    (job_id,) = accepted()
    ended = datetime.now(UTC) - LONG_AGO
    with transaction() as session:
        values = {"job_id": job_id, "fence": 1, "outcome": Outcome.RETRIED, "finished_at": ended}
        session.execute(insert(Attempt).values(started_at=ended - timedelta(seconds=40), **values))
    roll_up()
    assert sample("attempts_total", outcome="retried", **LABELS) == 1
    assert sample("job_run_seconds_bucket", le="30.0", **LABELS) == 0
    assert sample("job_run_seconds_bucket", le="60.0", **LABELS) == 1


def test_the_histograms_are_cumulative_and_exact() -> None:
    ids = accepted(4)
    for index, (ran, waited) in enumerate([(0.004, 0.2), (0.5, 0.2), (0.501, 7), (90_000, 0)]):
        finish(ids[index : index + 1], ago=LONG_AGO, ran=ran, waited=waited)
    roll_up()
    buckets = {
        le: sample("job_run_seconds_bucket", le=le, **LABELS) for le in ("0.005", "0.5", "1.0", "+Inf")
    }
    assert buckets == {"0.005": 1, "0.5": 2, "1.0": 3, "+Inf": 4}
    assert sample("job_run_seconds_sum", **LABELS) == pytest.approx(90_001.005)
    assert sample("job_wait_seconds_count", **LABELS) == 4
    assert sample("job_wait_seconds_bucket", le="0.005", **LABELS) == 1
    assert sample("job_wait_seconds_sum", **LABELS) == pytest.approx(7.4)


def test_two_beats_that_roll_up_at_once_count_once(database: Engine) -> None:
    finish(accepted(3), ago=LONG_AGO)
    with transaction() as session:
        begin, end = rollup._window(session)
        assert rollup._advance(session, begin=begin, end=end)
        assert not rollup._advance(session, begin=begin, end=end)
        session.rollback()
    assert roll_up() == 3


def test_a_queue_shows_its_depth_and_its_oldest_job() -> None:
    ids = accepted(3)
    change(ids[:1], run_at=datetime.now(UTC) - timedelta(seconds=100))
    assert sample("queue_messages", queue=QUEUE, priority="normal") == 3
    assert sample("queue_messages", queue=QUEUE, priority="urgent") == 0
    assert sample("queue_oldest_ready_seconds", queue=QUEUE) == pytest.approx(100, abs=5)
    assert sample("broker_up") == 1


def test_workers_are_alive_while_they_are_heard_of() -> None:
    def row(name: str, seen: float) -> dict[str, Any]:
        times = {"started_at": clock(-1000.0), "seen_at": clock(seen)}
        return {"name": name, "node": "bulk@here", "release": "r1", "concurrency": 2, **times}

    with transaction() as session:
        for name, seen in (("a", -1.0), ("b", -50.0), ("c", -61.0)):
            session.execute(insert(Worker).values(row(name, seen)))
    assert sample("workers", node="bulk@here", release="r1") == 2
    assert sample("worker_processes", node="bulk@here", release="r1") == 4


def overdue() -> dict[str, float | None]:
    reasons = ("not_promoted", "not_published", "not_admitted", "lost", "lease_ended")
    return {reason: count for reason in reasons if (count := sample("jobs_overdue", reason=reason))}


def test_jobs_that_are_on_their_way_are_not_overdue() -> None:
    ids = accepted(6)
    change(ids[:1], state=State.SCHEDULED, run_at=None)
    change(ids[1:2], state=State.SCHEDULED, run_at=datetime.now(UTC) + LONG_AGO)
    change(ids[2:3], state=State.RUNNING, lease_until=datetime.now(UTC) + timedelta(seconds=30))
    change(ids[3:4], state=State.DEAD)
    assert overdue() == {}


@pytest.mark.redis_only(reason="it writes into Redis, or counts what Redis alone counts")
def test_a_job_in_a_long_queue_is_not_overdue() -> None:
    accepted(3)
    # All of them, and so the queue's oldest message, were published long ago.
    moment = datetime.now(UTC) - LONG_AGO
    change_all = update(Job).values(published_at=moment, run_at=moment)
    with transaction() as session:
        session.execute(change_all)
    name = f"groundwork:{QUEUE}\x06\x166"
    messages = redis.client().lrange(name, 0, -1)
    redis.client().delete(name)
    redis.client().rpush(name, *[_published_at(raw, moment) for raw in messages])
    assert overdue() == {}


def _published_at(raw: bytes | str, moment: datetime) -> bytes:
    message = json.loads(raw)
    message["headers"]["published"] = moment.timestamp()
    return json.dumps(message).encode()


@pytest.mark.redis_only(reason="it writes into Redis, or counts what Redis alone counts")
def test_each_way_to_be_forgotten_is_overdue() -> None:
    ids = accepted(4)
    past = datetime.now(UTC) - timedelta(minutes=5)
    change(ids[:1], state=State.SCHEDULED, run_at=past)
    change(ids[1:2], published_at=None, run_at=past)
    change(ids[2:3], published_at=past, run_at=past)
    change(ids[3:], state=State.RUNNING, lease_until=past)
    assert overdue() == {"not_promoted": 1, "not_published": 1, "lost": 1, "lease_ended": 1}


def test_held_jobs_are_counted_by_task_and_overdue_once_nobody_admits_them_though_there_is_room() -> None:
    ids = accepted(3)
    past = datetime.now(UTC) - LONG_AGO
    key = partitions.paced("shop", per_minute=1)
    change(ids, published_at=None, partition=key, run_at=past)
    assert sample("jobs_held", **LABELS) == 3
    assert overdue() == {"not_admitted": 3}
    change(ids[:1], run_at=datetime.now(UTC))
    assert overdue() == {"not_admitted": 2}
    with transaction() as session:
        # It had no room until just now: a turn is counted for a minute.
        session.add(Turn(partition=key, taken_at=datetime.now(UTC) - timedelta(seconds=70)))
    assert overdue() == {}
    with transaction() as session:
        session.execute(update(Turn).values(taken_at=past))
    change(ids[:1], state=State.DONE, finished_at=datetime.now(UTC))
    assert overdue() == {}, "room that came just now"
    change(ids[:1], finished_at=past)
    with transaction() as session:
        ended = {"fence": 1, "outcome": Outcome.RELEASED, "finished_at": clock()}
        session.execute(insert(Attempt).values(job_id=ids[1], **ended))
    assert overdue() == {"not_admitted": 1}, "the other has just gone back"


def test_a_job_held_back_from_a_full_queue_is_not_overdue(configure: Callable[..., None]) -> None:
    configure(queue_depth_limit=100)
    ids = accepted(110)
    change(ids[105:], published_at=None, run_at=datetime.now(UTC) - LONG_AGO)
    assert overdue() == {}


def test_old_jobs_are_pruned_and_dead_ones_stay() -> None:
    ids = accepted(6)
    finish(ids[:2], ago=OLD)
    finish(ids[2:3], ago=OLD, state=State.CANCELLED)
    finish(ids[3:4], ago=OLD, state=State.DEAD)
    finish(ids[4:5], ago=YOUNG)
    with transaction() as session:
        session.execute(
            insert(Attempt).values(job_id=ids[0], fence=1, outcome="retried", finished_at=clock())
        )
        for name in ("old", "used"):
            session.execute(insert(JobGroup).values(id=name, created_at=datetime.now(UTC) - OLD))
    change(ids[5:], group_id="used")
    assert prune() == 0, "nothing goes before it is counted"
    roll_up()
    assert prune() == 3
    assert prune() == 0
    with reading() as session:
        assert set(session.scalars(select(Job.id))) == set(ids[3:])
        assert session.scalar(select(func.count()).select_from(Attempt)) == 0
        assert session.scalars(select(JobGroup.id)).all() == ["used"]
    assert sample("jobs_finished_total", state="done", **LABELS) == 3


def prune() -> int:
    with transaction() as session:
        return rollup.prune(session, before=datetime.now(UTC) - KEPT)


def test_pruning_takes_a_bounded_number_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = accepted(5)
    finish(ids, ago=OLD)
    roll_up()
    monkeypatch.setattr(rollup, "PRUNE_BATCH", 2)
    assert [prune() for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.redis_only(reason="it writes into Redis, or counts what Redis alone counts")
def test_garbage_from_a_queue_is_counted_though_it_is_cleared() -> None:
    for _ in range(3):
        quarantine.add(b"garbage", queue=QUEUE, problem="It is not JSON.")
    assert (sample("quarantine_messages"), sample("messages_put_aside_total")) == (3, 3)
    assert broker().clear_quarantine() == 3
    assert (sample("quarantine_messages"), sample("messages_put_aside_total")) == (0, 3)
