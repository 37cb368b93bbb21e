"""Declaring tasks: mistakes fail at import, and every declaration can be read back."""

from __future__ import annotations

import importlib
import re
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.celery.task import task
from app.jobs.declaration import registry
from app.jobs.declaration.registry import Retry
from app.jobs.errors import InvalidOption, PermanentError, RetryableError, UnknownQueue, UnknownTask
from app.jobs.factory import new_job
from app.processes.command_lines import worker_process
from app.schedule.spec import every
from app.topology import POOLS
from tests.jobs.broker import messages
from tests.sample import celery_tasks, tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.topology import Queue
    from tests.servers import RedisServer


@pytest.fixture(autouse=True)
def _own_settings(configure: Callable[..., None]) -> None:
    """Settings that can be read."""


def nothing() -> None:
    """A body."""


def test_all_tasks_are_looked_for_once_however_often_beat_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = registry.tasks()
    monkeypatch.setattr(importlib, "import_module", None)
    monkeypatch.setattr(Path, "glob", None)
    assert registry.tasks() == found


@pytest.mark.parametrize("priority", [10, -1, True, "high"])
def test_a_priority_that_no_list_stands_for_fails_at_import(priority: Any) -> None:
    with pytest.raises(InvalidOption, match="whole number from 0 to 9"):
        task(name="sample.odd", priority=priority)(nothing)
    assert "sample.odd" not in registry.tasks()


def test_the_message_of_every_task_comes_where_a_worker_of_some_pool_looks(
    sqlite_url: str, redis_url: str, redis_server: RedisServer, configure: Callable[..., None]
) -> None:
    configure(database_url=sqlite_url, redis_url=redis_url)
    durable = [name for name, spec in registry.tasks().items() if spec.durable]
    with transaction() as session:
        accept(session, [new_job(name) for name in durable])
    started = [argument for pool in POOLS for argument in worker_process(pool).arguments]
    named = [found[1] for argument in started if (found := re.fullmatch("--queues=(.+)", argument))]
    queues = {
        message["headers"]["task"]: name.removeprefix("groundwork:").partition("\x06")[0]
        for name, held in messages(redis_server).items()
        for message in held
    }
    assert queues.keys() == set(durable)
    assert set(queues.values()) <= set(",".join(named).split(","))


def test_every_declared_task_is_registered_with_celery_under_its_name() -> None:
    from app.celery_app import celery_app

    assert set(registry.tasks()) <= set(celery_app.tasks)


def test_a_scheduled_task_whose_queue_nobody_drains_fails_at_import() -> None:
    nowhere = cast("Queue", "nowhere")
    with pytest.raises(UnknownQueue, match='names the queue "nowhere", which no pool drains'):
        task(name="sample.lost", queue=nowhere, schedule=every(timedelta(hours=1)))(nothing)
    assert "sample.lost" not in registry.tasks()


def test_a_name_that_two_functions_claim_fails_at_import() -> None:
    with pytest.raises(registry.DuplicateTask, match=r'"sample.add" is declared twice.*Rename') as raised:
        task(name="sample.add")(nothing)
    assert f"{__name__}.nothing" in str(raised.value)


def test_the_same_function_may_be_imported_twice() -> None:
    registry.declare(registry.spec_of("sample.add"))


def test_a_task_is_called_after_its_package_and_function() -> None:
    assert tasks.add.name == "sample.add"


def test_an_unknown_task_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownTask, match=r'no task "sample.ad". Did you mean "sample.add"'):
        registry.spec_of("sample.ad")


def test_a_plain_celery_task_is_known_with_its_own_limits() -> None:
    spec = registry.spec_of(celery_tasks.insist.name)
    assert (spec.durable, spec.max_attempts, spec.queue) == (True, 4, "default")


def test_arguments_are_taken_by_name_or_position() -> None:
    spec = registry.spec_of("sample.add")
    assert spec.checked((1,), {"y": 2}) == ([], {"x": 1, "y": 2})


@pytest.mark.parametrize(
    ("args", "kwargs"), [((1,), {}), ((1, 2, 3), {}), ((1,), {"y": "much"}), ((1,), {"z": 1})]
)
def test_arguments_that_do_not_fit_are_refused(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(PermanentError, match="cannot take these arguments"):
        registry.spec_of("sample.add").checked(args, kwargs)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 10_000), st.booleans())
def test_a_retry_never_waits_longer_than_its_most(attempt: int, jitter: bool) -> None:
    retry = Retry(first=timedelta(seconds=1), factor=3, most=timedelta(minutes=1), jitter=jitter)
    assert timedelta(seconds=0.5) <= retry.delay(attempt=attempt) <= timedelta(minutes=1)


def test_retries_wait_longer_each_time() -> None:
    retry = Retry(first=timedelta(seconds=10), jitter=False)
    waits = [retry.delay(attempt=attempt).total_seconds() for attempt in range(1, 9)]
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600]


def test_a_policy_covers_a_database_that_is_away_by_what_it_says() -> None:
    refused = sqlite3.connect(":memory:").execute
    with pytest.raises(sqlite3.OperationalError) as wrong:
        refused("SELECT nonsense")
    with pytest.raises(psycopg.OperationalError) as away:
        psycopg.connect("host=127.0.0.1 port=1")
    policy = Retry()
    assert (policy.covers(wrong.value), policy.covers(away.value)) == (False, True)
    assert (policy.covers(RetryableError("x")), policy.covers(ValueError())) == (True, False)
    assert Retry(on=(sqlite3.Error, OperationalError)).covers(wrong.value)
    assert not Retry(on=()).covers(away.value)


def test_a_name_by_which_services_send_a_task_is_one_that_is_declared() -> None:
    root = Path(registry.__file__).parents[2]
    found = {
        name: path.name
        for path in root.rglob("*.py")
        for name in re.findall(r'^[A-Z_]+_TASK = "(.+)"$', path.read_text(), re.MULTILINE)
    }
    assert len(found) > 5
    assert set(found) <= set(registry.tasks()), found
