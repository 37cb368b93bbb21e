"""What a Celery user expects of a task, run by a real worker on the ledger."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery.result import AsyncResult

from app.celery_app import celery_app
from app.jobs.ledger.models import State
from app.settings.config import settings
from tests.jobs.running import (
    all_jobs,
    effects,
    ended,
    job_of,
)
from tests.sample import celery_tasks, tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.running import Service

pytestmark = pytest.mark.usefixtures("service")
LONG = 60


def test_a_task_returns_its_value_through_celerys_own_result() -> None:
    result = tasks.add.delay(2, 3)
    assert result.get(timeout=LONG) == 5
    assert (result.state, result.successful(), result.ready()) == ("SUCCESS", True, True)
    again: Any = AsyncResult(result.id, app=celery_app)
    assert again.result == 5


def test_a_search_for_garbage_leaves_what_the_worker_loaded_shared_among_its_processes() -> None:
    assert tasks.memory_copied_by_a_search_for_garbage.delay().get(timeout=LONG) < 4 * 1024


def test_a_done_job_says_who_ran_it_and_when(service: Service) -> None:
    job = ended(tasks.add.delay(2, 3).id)
    assert job.state == State.DONE
    assert job.attempt == job.fence == 1
    assert job.worker
    assert job.worker.startswith("standard@")
    assert job.release == settings().release
    assert job.started_at
    assert job.finished_at
    assert job.accepted_at <= job.started_at <= job.finished_at
    assert job.lease_until is None


def test_an_async_function_is_awaited() -> None:
    assert tasks.double.delay(21).get(timeout=LONG) == 42


@pytest.mark.parametrize(
    "job_id",
    [str(uuid.UUID(int=1)), " ", "\x00", "\udce9", "x" * 10_000, "作業"],
    ids=["unknown", "blank", "NUL", "half a pair", "long", "foreign"],
)
def test_an_id_that_is_no_job_is_pending_as_with_any_backend(job_id: str) -> None:
    assert AsyncResult(job_id, app=celery_app).state == "PENDING"


def test_a_running_job_is_started_and_reports_progress_once_it_does(tmp_path: Path) -> None:
    plain = tasks.wait_for_file.delay(str(tmp_path / "plain"))
    stepping = tasks.count_in_steps.delay(str(tmp_path / "steps"), 3)
    wait_until(lambda: (tmp_path / "plain.started").exists(), seconds=LONG, what="it runs")
    wait_until(lambda: (tmp_path / "steps.started").exists(), seconds=LONG, what="it runs")
    assert (plain.state, plain.info) == ("STARTED", None)
    assert (stepping.state, stepping.info) == ("PROGRESS", {"done": 3, "total": 3})
    (tmp_path / "plain").touch()
    (tmp_path / "steps").touch()
    assert plain.get(timeout=LONG) == "seen"
    assert stepping.get(timeout=LONG) == 4


def test_a_result_that_is_not_json_kills_the_job_with_the_remedy() -> None:
    job = ended(tasks.not_json.delay().id)
    assert job.state == State.DEAD
    assert str(job.error).startswith("NotJson: The result is not JSON: ")


def test_replace_runs_the_canvas_under_the_id_of_the_job() -> None:
    result = tasks.replace_itself.delay(5)
    assert result.get(timeout=LONG) == 16
    assert job_of(result.id).task == "sample.add"


def test_a_jobs_effect_is_there_once_it_is_done() -> None:
    tasks.record_effect.delay("kept").get(timeout=LONG)
    assert effects("kept") == ["kept"]


def test_a_job_that_fails_leaves_no_effect() -> None:
    assert ended(tasks.record_effect_and_fail.delay("undone").id).state == State.DEAD
    assert effects("undone") == []


def test_a_job_that_fails_accepts_no_further_job() -> None:
    before = len(all_jobs())
    assert ended(tasks.accept_and_fail.delay("never").id).state == State.DEAD
    assert len(all_jobs()) == before + 1
    assert effects("never") == []


def test_sensitive_arguments_are_sealed_in_the_ledger_and_never_logged(service: Service) -> None:
    secret = f"secret-{uuid.uuid4()}"
    result = tasks.length.delay("ann", password=secret)
    assert result.get(timeout=LONG) == len("ann") + len(secret)
    job = job_of(result.id)
    assert secret not in json.dumps([job.args, job.kwargs, job.options, job.context])
    assert job.kwargs["user"] == "ann"
    assert result.id in service.worker.log.read_text()
    assert secret not in service.worker.log.read_text()
    assert secret.encode() not in b"".join(path.read_bytes() for path in service.redis.folder.rglob("*.aof"))


def test_a_job_that_waits_for_one_that_it_hides_is_told_so_at_once() -> None:
    hidden, seen = celery_tasks.wait_for_child.delay(False), celery_tasks.wait_for_child.delay(True)
    assert "belongs to a transaction that is not committed" in str(ended(hidden.id).error)
    assert ended(seen.id).state == State.DONE


def test_a_call_of_the_function_runs_it_here() -> None:
    before = len(all_jobs())
    assert tasks.add(2, 2) == 4
    assert tasks.double(4) == 8
    assert len(all_jobs()) == before


def test_apply_runs_the_task_here_and_commits_its_effects() -> None:
    assert tasks.add.apply((2, 2)).get() == 4
    tasks.record_effect.apply(("eagerly",))
    assert effects("eagerly") == ["eagerly"]


def test_apply_of_a_task_that_fails_leaves_no_effect() -> None:
    with pytest.raises(ValueError, match="after the effect"):
        tasks.record_effect_and_fail.apply(("eager-undone",)).get()
    assert effects("eager-undone") == []


def test_a_light_task_runs_without_a_row(service: Service, tmp_path: Path) -> None:
    before = len(all_jobs())
    tasks.touch.delay(str(tmp_path / "light"))
    wait_until((tmp_path / "light").exists, seconds=LONG, what="the non-durable task ran")
    assert len(all_jobs()) == before
