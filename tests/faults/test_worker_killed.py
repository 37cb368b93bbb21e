"""A worker that is killed loses nothing and repeats no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Attempt, Outcome
from tests.faults.ledger import effects, wait_for_more_effects, wait_until_all_done
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet import Fleet


def test_a_job_whose_worker_is_killed_runs_again_elsewhere(fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.start_worker("first")
    fleet.start_beat()
    result = tasks.wait_for_file.delay(str(tmp_path / "go"))
    wait_until((tmp_path / "go.started").exists, seconds=10, what="the job runs")
    first.kill()
    (tmp_path / "go").touch()
    fleet.start_worker("second")
    assert result.get(timeout=30) == "seen"
    with reading() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.job_id == result.id)).one()
    assert attempt.outcome == Outcome.LOST


def test_every_job_is_done_once_in_effect_however_often_workers_are_killed(fleet: Fleet) -> None:
    names = [f"{number:04}" for number in range(400)]
    fleet.start_beat()
    with transaction():
        for name in names:
            tasks.record_effect.delay(name)
    for number in range(4):
        worker = fleet.start_worker(f"worker{number}")
        wait_for_more_effects(40, of=len(names))
        worker.kill()
    fleet.start_worker("last")
    wait_until_all_done()
    assert effects() == names
