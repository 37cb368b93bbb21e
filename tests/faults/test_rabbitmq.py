"""The service on RabbitMQ: what holds on Redis holds there, whatever breaks."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import amqp
import pytest
from celery import Celery, chord

from app.celery_app import celery_app
from app.db.sessions import transaction
from app.jobs.broker.current import broker
from app.jobs.broker.lists import list_of
from app.jobs.broker.rabbitmq.names import DELIVERY_LIMIT
from app.jobs.celery.control import tell_of_pauses
from app.jobs.celery.transport.rabbitmq.taker import TICK_SECONDS
from app.jobs.ledger.models import Outcome, State
from app.jobs.pauses import service as pauses
from app.jobs.quarantine import quarantine
from app.topology import Priority
from tests.faults.ledger import effects, states, wait_for_more_effects, wait_until_all_done
from tests.fleet import run_celery
from tests.jobs.conftest import point_celery_at_broker
from tests.jobs.running import all_jobs, attempts_of, ended, job_of
from tests.rabbit_server import channel_of
from tests.sample import tasks
from tests.servers import stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fleet import Fleet
    from tests.rabbit_server import RabbitServer

pytestmark = [pytest.mark.brokers("rabbitmq"), pytest.mark.databases("sqlite")]
NORMAL = list_of(queue="default", priority=Priority.NORMAL)


@pytest.fixture
def celery(database: object) -> Iterator[Celery]:
    """The application of this process, on the broker of the test."""
    assert database
    before = dict(celery_app.conf.items())
    point_celery_at_broker()
    yield celery_app
    celery_app.conf.update({name: before[name] for name in ("broker_url", "broker_use_ssl")})
    celery_app.conf.update({name: before[name] for name in ("control_exchange", "event_exchange")})
    celery_app.close()
    celery_app.__dict__.pop("control", None)


def test_a_paused_queue_is_left_alone_and_drained_once_it_is_resumed(fleet: Fleet) -> None:
    worker = fleet.start_worker(processes=1)
    with transaction() as session:
        pauses.pause(session, "default", reason="The bank moves.", by="ann")
    assert tell_of_pauses()
    wait_until(lambda: "queues_paused" in worker.log.read_text(), seconds=20, what="the worker knows")
    waiting = [tasks.record_effect.delay(f"{number}").id for number in range(3)]
    assert ended(tasks.add.apply_async((1, 2), queue="discounts").id).state == State.DONE
    assert {job_of(job_id).state for job_id in waiting} == {State.READY}
    with transaction() as session:
        assert pauses.resume(session, "default", by="ann")
    assert tell_of_pauses()
    for job_id in waiting:
        assert ended(job_id).state == State.DONE
    assert effects() == ["0", "1", "2"]


def test_what_is_urgent_is_first_and_a_waiting_message_is_in_nobodys_hands(
    fleet: Fleet, tmp_path: Path
) -> None:
    worker = fleet.start_worker(processes=1)
    tasks.wait_for_file.delay(str(tmp_path / "go"))
    wait_until((tmp_path / "go.started").exists, seconds=20, what="the job runs")
    order = [Priority.LOW, Priority.NORMAL, Priority.URGENT, Priority.HIGH] * 3
    sent = {tasks.add.apply_async((1, 1), priority=step).id: step for step in order}
    lists = [list_of(queue="default", priority=step) for step in Priority]
    assert broker().lengths(lists) == [3, 3, 3, 3]
    (tmp_path / "go").touch()
    jobs = [ended(job_id) for job_id in sent]
    jobs.sort(key=lambda job: str(job.started_at))
    assert [sent[job.id] for job in jobs] == sorted(order)
    assert worker.popen.poll() is None


def test_an_idle_worker_takes_what_a_busy_one_cannot_run(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start_worker("busy", processes=1)
    tasks.wait_for_file.delay(str(tmp_path / "go"))
    wait_until((tmp_path / "go.started").exists, seconds=20, what="the job runs")
    tasks.touch.delay(str(tmp_path / "light"))
    job_id = str(tasks.add.delay(1, 2).id)
    fleet.start_worker("idle", processes=1)
    assert ended(job_id).state == State.DONE
    wait_until((tmp_path / "light").exists, seconds=10, what="the light task ran")
    (tmp_path / "go").touch()
    wait_until_all_done()


def test_a_worker_takes_its_next_job_when_it_has_done_one_and_not_when_it_looks_again(fleet: Fleet) -> None:
    ids = [tasks.add.delay(1, 2).id for _ in range(20)]
    fleet.start_worker(processes=1)
    jobs = sorted((ended(job_id) for job_id in ids), key=lambda job: str(job.started_at))
    pauses = [
        (later.started_at - job.finished_at).total_seconds()
        for job, later in pairwise(jobs)
        if later.started_at and job.finished_at
    ]
    assert len(pauses) == 19
    assert median(pauses) < TICK_SECONDS / 4


def test_every_job_is_done_once_though_workers_and_rabbitmq_are_killed(
    fleet: Fleet, rabbit_server: RabbitServer
) -> None:
    names = [f"{number:04}" for number in range(200)]
    fleet.start_beat()
    first = fleet.start_worker("first")
    for name in names[:150]:
        tasks.record_effect.delay(name)
    wait_for_more_effects(30, of=150)
    first.kill()
    second = fleet.start_worker("second")
    wait_for_more_effects(30, of=150)
    rabbit_server.kill()
    for name in names[150:]:
        tasks.record_effect.delay(name)
    rabbit_server.resume()
    wait_until_all_done()
    assert effects() == names
    assert second.popen.poll() is None


def test_queues_that_are_deleted_lose_no_job(fleet: Fleet, rabbit_server: RabbitServer) -> None:
    ids = [str(tasks.add.delay(number, 1).id) for number in range(5)]
    rabbit_server.clear()
    fleet.start_worker()
    fleet.start_beat()
    assert {ended(job_id).state for job_id in ids} == {State.DONE}


def test_jobs_in_flight_are_done_after_the_broker_is_another(
    fleet: Fleet, configure: Callable[..., None], broker_url: str
) -> None:
    configure(broker_url="")
    ids = [str(tasks.add.delay(number, 1).id) for number in range(5)]
    assert all(job.published_at for job in all_jobs())
    configure(broker_url=broker_url)
    fleet.start_worker()
    fleet.start_beat()
    assert {ended(job_id).state for job_id in ids} == {State.DONE}


def test_garbage_ends_no_worker_and_is_kept_for_a_look(fleet: Fleet, rabbit_server: RabbitServer) -> None:
    worker = fleet.start_worker()
    garbage = [b"", b"\xff\x00", b"{}", b"[[], {}, null]"]
    with channel_of(rabbit_server) as channel:
        for body in garbage:
            headers = {"task": 5, "id": None, "what": [True, {"b": 2**40}]}
            message = amqp.Message(body, content_type="application/json", application_headers=headers)
            channel.basic_publish(message, "", "groundwork:default")
    wait_until(lambda: broker().quarantined().kept == len(garbage), seconds=20, what="all is put aside")
    assert tasks.add.delay(1, 2).get(timeout=60) == 3
    assert {entry["queue"] for entry in quarantine.entries()} == {"default"}
    assert worker.popen.poll() is None


def test_a_message_of_any_celery_client_is_adopted(fleet: Fleet, rabbit_server: RabbitServer) -> None:
    fleet.start_worker()
    script = (
        "import sys; from celery import Celery; from kombu import Exchange, Queue; "
        "app = Celery(broker=sys.argv[1]); name = 'groundwork:default'; "
        "app.conf.task_queues = [Queue(name, Exchange(''), no_declare=True)]; "
        "print(app.send_task('sample.record_effect', ('adopted',), queue=name).id)"
    )
    command = [sys.executable, "-c", script, rabbit_server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    wait_until(lambda: effects() == ["adopted"], seconds=20, what="the foreign job ran")
    assert ended(done.stdout.strip()).state == State.DONE


def test_a_message_that_is_delivered_too_often_counts_as_an_attempt(
    fleet: Fleet, rabbit_server: RabbitServer
) -> None:
    job_id = str(tasks.add.delay(1, 2).id)
    with channel_of(rabbit_server) as channel:
        for _ in range(DELIVERY_LIMIT + 1):
            found = wait_until(lambda: channel.basic_get("groundwork:default.normal"), seconds=5, what="it")
            channel.basic_reject(found.delivery_tag, requeue=True)
    wait_until(lambda: rabbit_server.lengths()["groundwork:dead-letters"], seconds=5, what="it is dead")
    fleet.start_worker()
    fleet.start_beat()
    assert ended(job_id).state == State.DONE
    assert [attempt.outcome for attempt in attempts_of(job_id)] == [Outcome.LOST]
    [entry] = quarantine.entries()
    assert (entry["job"], entry["queue"]) == (job_id, "groundwork:dead-letters")
    assert f"delivered {DELIVERY_LIMIT} times" in entry["problem"]


def test_a_rabbitmq_that_is_short_of_memory_holds_nobody_up_and_loses_nothing(
    fleet: Fleet, rabbit_server: RabbitServer
) -> None:
    fleet.start_worker()
    assert tasks.add.delay(0, 0).get(timeout=30) == 0
    rabbit_server.control("set_vm_memory_high_watermark", "0.000001")
    try:
        began = time.monotonic()
        ids = [str(tasks.add.delay(number, 1).id) for number in range(20)]
        assert time.monotonic() - began < stretched(5)
        assert any(job.published_at is None for job in all_jobs())
    finally:
        rabbit_server.control("set_vm_memory_high_watermark", "0.9")
    fleet.start_beat()
    assert {ended(job_id).state for job_id in ids} == {State.DONE}


def test_what_celery_users_do_works(fleet: Fleet, celery: Celery, tmp_path: Path) -> None:
    worker = fleet.start_worker()
    fleet.start_beat()
    assert chord([tasks.add.s(n, 1) for n in range(3)], tasks.total.s()).delay().get(timeout=60) == 6
    assert (tasks.add.s(1, 2) | tasks.add.s(3)).delay().get(timeout=60) == 6
    tasks.touch.delay(str(tmp_path / "light"))
    wait_until((tmp_path / "light").exists, seconds=10, what="the light task ran")
    [node] = celery.control.inspect(timeout=5, limit=1).ping() or []
    assert node.startswith("standard@")
    running = tasks.wait_for_file.delay(str(tmp_path / "go"))
    wait_until((tmp_path / "go.started").exists, seconds=20, what="the job runs")
    celery.control.revoke(running.id, terminate=True)
    assert ended(running.id).state == State.CANCELLED
    worker.stop()


def test_the_service_needs_no_right_to_anything_that_has_not_its_prefix(
    fleet: Fleet,
    configure: Callable[..., None],
    request: pytest.FixtureRequest,
    rabbit_server: RabbitServer,
    tmp_path: Path,
) -> None:
    names = r"^(groundwork:.*|.*\.groundwork:celery\.pidbox)$"
    with suppress(subprocess.CalledProcessError):  # another kind of database was first
        rabbit_server.control("add_user", "narrow", "narrow")
    rabbit_server.control("set_permissions", "narrow", names, rf"{names}|^amq\.default$", names)
    configure(broker_url=rabbit_server.url.replace("guest:guest", "narrow:narrow"))
    celery: Celery = request.getfixturevalue("celery")
    worker = fleet.start_worker()
    fleet.start_beat()
    assert tasks.add.delay(1, 2).get(timeout=60) == 3
    tasks.touch.delay(str(tmp_path / "light"))
    wait_until((tmp_path / "light").exists, seconds=10, what="the light task ran")
    assert celery.control.inspect(timeout=5, limit=1).ping()
    assert "ACCESS_REFUSED" not in worker.log.read_text()


def test_a_purge_cancels_the_jobs_that_it_says_it_removes(
    database: object, rabbit_server: RabbitServer
) -> None:
    assert database
    for number in range(3):
        tasks.add.delay(number, 1)
    tasks.touch.delay("/nowhere")
    assert "Purged 4 messages" in run_celery("purge", "-f", "-Q", "default")
    assert states() == {State.CANCELLED: 3}
    assert set(rabbit_server.lengths().values()) == {0}


def test_a_worker_that_stops_gives_back_what_it_runs(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start_beat()
    first = fleet.start_worker("first")
    job_id = str(tasks.wait_for_file.delay(str(tmp_path / "go")).id)
    wait_until((tmp_path / "go.started").exists, seconds=20, what="the job runs")
    first.stop()
    (tmp_path / "go").touch()
    fleet.start_worker("second")
    assert ended(job_id).state == State.DONE
    assert job_of(job_id).attempt <= 2


def test_a_queue_with_other_arguments_is_said_to_be_in_the_way(
    database: object, rabbit_server: RabbitServer
) -> None:
    assert database
    with channel_of(rabbit_server) as channel:
        channel.queue_declare("groundwork:default.normal", durable=True, auto_delete=False)
    job_id = str(tasks.add.delay(1, 1).id)
    assert job_of(job_id).published_at is None
    with pytest.raises(broker().failures, match=r"other arguments .*default\.normal"):
        broker().lengths([NORMAL])
