"""A body that is a coroutine has the same transaction, retries, limits and ends as any other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from app.jobs.celery.task import task
from app.jobs.declaration.registry import NotARunnableBody
from app.jobs.ledger.models import State
from tests.api_client import client_for
from tests.jobs.running import effects, ended, job_of
from tests.sample import coroutines, tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("service")
SECONDS = 60


def test_its_effects_commit_with_its_end() -> None:
    assert coroutines.record_between_waits.delay("both").get(timeout=SECONDS) == "both"
    assert effects("both") == ["both", "both"]


def test_what_it_did_before_it_failed_is_undone() -> None:
    job = ended(coroutines.fail_after.delay("undone").id)
    assert (job.state, job.error) == (State.DEAD, "ValueError: it went wrong")
    assert effects("undone") == []


def test_it_is_tried_again_with_one_effect() -> None:
    job = ended(coroutines.succeed_at_last.delay("once").id)
    assert (job.state, job.result, job.attempt) == (State.DONE, 2, 3)
    assert effects("once") == ["once"]


def test_it_may_ask_for_a_retry_itself() -> None:
    assert ended(coroutines.ask_for_a_retry.delay().id).result == 1


def test_the_soft_limit_ends_it_where_it_waits() -> None:
    job = ended(coroutines.wait_for_nothing.delay("limited").id)
    assert job.state == State.DEAD
    assert "SoftTimeLimitExceeded" in str(job.error)
    assert effects("limited") == []


def test_the_soft_limit_ends_it_where_it_computes() -> None:
    job = ended(coroutines.compute_without_end.delay().id)
    assert "SoftTimeLimitExceeded" in str(job.error)


def test_it_may_tidy_up_at_the_limit() -> None:
    job = ended(coroutines.tidy_up_at_the_limit.delay("tidied").id)
    assert (job.state, job.result) == (State.DONE, "cancelled")
    assert effects("tidied") == ["tidied"]


def test_the_process_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    ended(coroutines.wait_for_nothing.delay("again").id)
    for name in ("first", "second", "third"):
        assert coroutines.record_between_waits.delay(name).get(timeout=SECONDS) == name
    never = str(tmp_path / "never")
    blocking = tasks.wait_for_file.apply_async((never,), soft_time_limit=1)
    assert "SoftTimeLimitExceeded" in str(ended(blocking.id).error)


def test_it_is_cancelled_as_any_other(tmp_path: Path) -> None:
    path = tmp_path / "never"
    job_id = coroutines.await_file.delay(str(path)).id
    wait_until((tmp_path / "never.started").exists, seconds=SECONDS, what="it runs")
    assert client_for().post(f"/api/v1/jobs/{job_id}/cancel").json()["state"] == "cancelled"
    assert ended(job_id).state == State.CANCELLED
    assert coroutines.record_between_waits.delay("next").get(timeout=SECONDS) == "next"


def test_its_checkpoint_shows_and_keeps_what_is_done(tmp_path: Path) -> None:
    path = tmp_path / "go"
    job_id = coroutines.go_on_after_a_checkpoint.delay("kept", str(path)).id
    wait_until(lambda: job_of(job_id).progress == {"done": 1}, seconds=SECONDS, what="its progress shows")
    assert effects("kept") == ["kept"]
    path.touch()
    assert ended(job_id).result == "seen"


def test_a_call_from_a_loop_is_its_callers_to_await() -> None:
    async def caller() -> Any:
        return await tasks.double(4)

    assert asyncio.run(caller()) == 8


def test_an_async_generator_is_refused_where_it_is_declared() -> None:
    async def tell_in_parts() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(NotARunnableBody, match=r"tell_in_parts is an async generator.*checkpoint"):
        task()(tell_in_parts)
