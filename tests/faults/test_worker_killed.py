"""A worker that is killed loses nothing and repeats no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from app import db
from app.jobs.models import Attempt, Job, Outcome, State
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet import Fleet, Process


def states() -> dict[str, int]:
    with db.reading() as session:
        found = session.execute(select(Job.state, func.count()).group_by(Job.state))
        return {state: count for state, count in found}


def effects() -> list[str]:
    with db.reading() as session:
        return list(session.scalars(text("SELECT name FROM effect ORDER BY name")))


def kill_after(worker: Process, *, effects_more: int) -> None:
    wanted = min(len(effects()) + effects_more, 400)
    wait_until(lambda: len(effects()) >= wanted, seconds=30, what="some effects")
    worker.kill()


def test_a_job_whose_worker_is_killed_runs_again_elsewhere(fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.start_worker("first")
    fleet.start_beat()
    result = tasks.wait_for_file.delay(str(tmp_path / "go"))
    wait_until((tmp_path / "go.started").exists, seconds=10, what="the job runs")
    first.kill()
    (tmp_path / "go").touch()
    fleet.start_worker("second")
    assert result.get(timeout=30) == "seen"
    with db.reading() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.job_id == result.id)).one()
    assert attempt.outcome == Outcome.LOST


def test_every_job_is_done_once_in_effect_however_often_workers_are_killed(fleet: Fleet) -> None:
    names = [f"{number:04}" for number in range(400)]
    fleet.start_beat()
    with db.transaction():
        for name in names:
            tasks.record_effect.delay(name)
    for number in range(4):
        worker = fleet.start_worker(f"worker{number}")
        kill_after(worker, effects_more=40)
    fleet.start_worker("last")
    wait_until(lambda: states() == {State.DONE: 400}, seconds=60, what="all jobs are done")
    assert effects() == names
