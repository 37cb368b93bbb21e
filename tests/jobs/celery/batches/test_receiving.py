"""What was claimed ahead comes to Celery's worker with all that Celery would have told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.celery_app import celery_app
from app.jobs.ledger.models import State
from tests.jobs.celery.batches.test_lookahead import fill, long, short
from tests.jobs.conftest import point_celery_at_broker
from tests.jobs.running import ended, job_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.fleet import Fleet

pytestmark = [
    pytest.mark.databases("postgresql"),
    pytest.mark.redis_only(reason="RabbitMQ sends messages without being asked"),
]

JOBS = 12


@pytest.fixture(autouse=True)
def _remote_control(database: Engine) -> None:
    assert database
    point_celery_at_broker()


def test_who_watches_events_hears_of_each_step(fleet: Fleet) -> None:
    heard: dict[str, list[str]] = {}

    def hear(event: dict[str, Any]) -> None:
        if "uuid" in event:
            heard.setdefault(event["uuid"], []).append(event["type"])

    fleet.start_worker("first", processes=1)
    celery_app.control.enable_events(reply=True)
    with celery_app.connection() as connection:
        receiver = celery_app.events.Receiver(connection, handlers={"*": hear})
        consumer = receiver.itercapture(limit=None, timeout=20, wakeup=False)
        next(consumer)  # it listens
        ids = fill(*short(JOBS))
        steps = ["task-received", "task-started", "task-succeeded"]
        while not all(heard.get(one) == steps for one in ids):
            next(consumer)


def test_a_rate_limit_that_a_command_set_is_heeded(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start_worker("first", processes=1)
    celery_app.control.rate_limit("sample.add", "1/h", reply=True)
    (tmp_path / "go").touch()
    *limited, last = fill(*short(JOBS), long(tmp_path / "go"))
    assert ended(last, seconds=30).state == State.DONE
    assert [job_of(one).state == State.DONE for one in limited].count(True) == 1
