"""What somebody does in Flower goes through the ledger, although Flower itself has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.jobs.celery.without_ledger.application import WatchingCelery, make_watching_celery
from app.jobs.ledger.models import State
from tests.jobs.running import job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def watching(database: Engine) -> WatchingCelery:
    assert database
    return make_watching_celery()


def test_a_task_that_is_sent_by_its_name_becomes_a_job(watching: WatchingCelery) -> None:
    result = watching.send_task("sample.add", (1, 2))
    assert job_of(str(result.id)).args == [1, 2]


def test_a_task_that_is_looked_up_is_the_one_that_makes_jobs(watching: WatchingCelery) -> None:
    result = watching.tasks["sample.add"].apply_async((3, 4))
    assert job_of(str(result.id)).args == [3, 4]
    assert "sample.nothing" not in watching.tasks


def test_to_revoke_a_task_cancels_its_job(watching: WatchingCelery) -> None:
    job_id = str(tasks.add.delay(1, 2).id)
    watching.control.revoke(job_id)
    assert job_of(job_id).state == State.CANCELLED
