"""Celery's own commands work on the application as on any other."""

from __future__ import annotations

import base64
import json
import pickle
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.celery_app import celery_app
from app.jobs.broker.current import broker
from app.jobs.declaration import registry
from app.jobs.ledger.models import State
from app.topology import Queue
from tests.fleet import run_celery, start_celery
from tests.jobs.broker import messages
from tests.jobs.running import ended, job_of
from tests.sample import tasks
from tests.servers import stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fleet import Fleet
    from tests.servers import RedisServer

pytestmark = [
    pytest.mark.usefixtures("database"),
    # What is tried here is the same with each database.
    pytest.mark.databases("postgresql"),
]
CLEANUP = "pricing.cleanup_expired_discounts"
ANALYTICS = "groundwork:analytics\x06\x166"


def inspect(what: str, *, node: str) -> Any:
    return json.loads(run_celery("inspect", what, "--json", "--timeout", "10", "--destination", node))[node]


def test_call_accepts_a_job_in_the_ledger() -> None:
    job = job_of(run_celery("call", CLEANUP, "--countdown", "3600").strip())
    assert (job.task, job.state, job.queue) == (CLEANUP, State.SCHEDULED, "maintenance")


def test_call_of_an_unknown_task_says_so() -> None:
    with pytest.raises(AssertionError, match=f'Did you mean "{CLEANUP}"'):
        run_celery("call", CLEANUP + "s")


def test_inspect_shows_what_the_worker_knows_runs_and_holds(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start_worker(processes=2)
    job_id = str(tasks.wait_for_file.delay(str(tmp_path / "go")).id)
    wait_until((tmp_path / "go.started").exists, seconds=10, what="the job runs")
    node = str(job_of(job_id).worker).split("#")[0]
    ours = {name for name, spec in registry.tasks().items() if spec.body.__module__.startswith("app.")}
    assert ours <= {name.split(" ")[0] for name in inspect("registered", node=node)}
    assert [request["id"] for request in inspect("active", node=node)] == [job_id]
    assert inspect("stats", node=node)["pool"]["max-concurrency"] == 2
    assert inspect("scheduled", node=node) == []
    assert {queue["name"] for queue in inspect("active_queues", node=node)} == {"default", "discounts"}
    (tmp_path / "go").touch()
    assert ended(job_id).state == State.DONE


def test_events_shows_what_the_worker_does(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start_worker(processes=1)
    shown = tmp_path / "events"
    dump = start_celery("events", "--dump", log=shown)
    try:
        run_celery("control", "enable_events", "--timeout", "1")

        def is_shown() -> bool:
            tasks.add.delay(1, 1).get(timeout=10)
            return "task succeeded" in shown.read_text()

        wait_until(is_shown, seconds=20, what="the event of a job is shown")
    finally:
        stop(dump, how=signal.SIGINT)


def test_a_purge_cancels_the_jobs_that_it_says_it_removes(fleet: Fleet, redis_server: RedisServer) -> None:
    client: Any = redis_server.client()
    ids = [str(tasks.add.apply_async((1, 1), queue="analytics").id) for _ in range(5)]
    assert client.llen(ANALYTICS) == 5
    assert "5 messages" in run_celery("purge", "-f")
    assert client.llen(ANALYTICS) == 0
    assert {job_of(job_id).state for job_id in ids} == {State.CANCELLED}


def test_a_worker_with_the_scheduler_inside_does_both(fleet: Fleet) -> None:
    result = tasks.add.apply_async((1, 1), countdown=0.5)
    fleet.start_worker("both", options=("--beat", "--without-gossip", "--without-mingle"))
    assert result.get(timeout=20) == 2


def test_every_queue_of_the_topology_can_be_consumed() -> None:
    assert set(celery_app.amqp.queues) == {queue.value for queue in Queue}


class Bomb:
    """What acts as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_never_opened(fleet: Fleet, redis_server: RedisServer, tmp_path: Path) -> None:
    bomb = pickle.dumps([[Bomb(tmp_path / "opened")], {}, {}])
    message = {
        "body": base64.b64encode(bomb).decode(),
        "content-type": "application/x-python-serialize",
        "content-encoding": "binary",
        "headers": {"task": tasks.add.name, "id": "a-bomb", "lang": "py"},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": "a-tag",
            "delivery_info": {"exchange": "", "routing_key": "default"},
            "priority": 6,
        },
    }
    redis_server.client().lpush("groundwork:default\x06\x166", json.dumps(message))
    fleet.start_worker(processes=1)
    assert tasks.add.delay(1, 2).get(timeout=20) == 3
    assert broker().quarantined().total == 1
    assert not (tmp_path / "opened").exists()


def test_every_message_is_sent_as_json(redis_server: RedisServer) -> None:
    tasks.add.delay(1, 2)
    tasks.touch.delay("somewhere")
    sent = [message for held in messages(redis_server).values() for message in held]
    assert {message["headers"]["task"] for message in sent} == {tasks.add.name, tasks.touch.name}
    for message in sent:
        assert message["content-type"] == "application/json"
        assert json.loads(base64.b64decode(message["body"]))
