"""What a job logs is kept, whatever becomes of it; and whatever becomes of the lines, the job goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import State
from app.jobs.logged.buffer import KEPT_LINES
from app.jobs.logged.line import LONGEST, MAX_NAME
from app.jobs.logged.reading import lines_of
from app.settings.config import settings
from tests.fleet import of_processes
from tests.jobs.running import attempts_of, effects, ended
from tests.sample import talkative
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from app.jobs.logged.reading import LogLine
    from tests.jobs.running import Service

pytestmark = pytest.mark.usefixtures("service")


def lines(job_id: str) -> list[LogLine]:
    with reading() as session:
        return lines_of(session, job_id=job_id)


def said(job_id: str, last: str) -> list[str]:
    """The messages of a job, once the last one is there."""
    wait_until(
        lambda: any(last in line.message for line in lines(job_id)), seconds=20, what=f'"{last}" is kept'
    )
    return [line.message for line in lines(job_id)]


def test_the_lines_of_a_body_and_its_threads_are_kept() -> None:
    job = ended(talkative.say.delay("ä <b>").id)
    first, between, thread, caught = said(job.id, "caught")
    assert (first, between, thread) == ("first ä <b>", "in between count=2", "from a thread")
    assert caught.startswith("caught\nTraceback (most")
    assert caught.endswith("ValueError: ä <b>")
    kept = lines(job.id)
    assert [line.level for line in kept] == ["INFO", "WARNING", "INFO", "ERROR"]
    assert [line.logger for line in kept[:2]] == ["tests.talkative", "tests.structured"]
    assert {line.fence for line in kept} == {1}
    assert job.started_at
    assert job.finished_at
    assert all(line.at and abs((line.at - job.finished_at).total_seconds()) < 60 for line in kept)


def test_those_of_a_coroutine_are() -> None:
    job = ended(talkative.say_between_waits.delay("it").id)
    assert said(job.id, "after") == ["before it", "beside", "after it"]


def test_a_job_that_is_rolled_back_keeps_its_lines() -> None:
    job = ended(talkative.say_and_fail.delay("undone").id)
    assert (job.state, effects("undone")) == (State.DEAD, [])
    assert said(job.id, "wrong") == ["it goes wrong"]


def test_each_attempt_has_its_own() -> None:
    job = ended(talkative.say_each_time.delay().id)
    assert job.state == State.DONE
    said(job.id, "try 2")
    assert [(line.fence, line.message) for line in lines(job.id)] == [
        (1, "try 0"),
        (2, "try 1"),
        (3, "try 2"),
    ]


@of_processes
def test_a_process_that_is_killed_leaves_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "go"
    job_id = talkative.say_and_die_once.delay(str(path)).id
    said(job_id, "last words")
    path.touch()
    assert ended(job_id, seconds=40).state == State.DONE
    assert [attempt.outcome for attempt in attempts_of(job_id)] == ["lost"]
    wait_until(lambda: len(lines(job_id)) == 2, seconds=20, what="both attempts have said something")
    assert [line.fence for line in lines(job_id)] == [1, 2]


def test_whatever_is_logged_ends_up_as_bounded_text() -> None:
    job = ended(talkative.say_hostile.delay("wide rivers run").id)
    assert (job.state, job.result) == (State.DONE, "well")
    wait_until(lambda: len(lines(job.id)) >= 11, seconds=20, what="all is kept")
    kept = [line.message for line in lines(job.id)]
    assert kept[0] == "nul \x00, half a pair \\ud800, \x1b[31mred\x1b[0m <b>\u202e"
    assert kept[1] == "%d %s (cannot be shown: %d format: a real number is required, not str)"
    assert kept[2] == "%s and %s (cannot be shown: no words)"
    assert kept[3:5] == ["being shown", "echo"]
    assert kept[5].startswith("xxx")
    assert f"{10_000_000 - LONGEST} characters left out" in kept[5]
    assert kept[6] == "Authorization: Bearer *** for ***"
    assert kept[7] == "of\nseveral\nlines"
    assert kept[8] == "no=text"
    assert kept[9] == "mute value=(cannot be shown: no words)"
    assert (kept[10], lines(job.id)[10].logger) == ("", "n" * MAX_NAME)
    assert len(kept) == 11
    assert "rivers" not in str(lines(job.id))


def test_of_many_lines_the_first_and_the_last_are_kept() -> None:
    times = 5 * KEPT_LINES
    job = ended(talkative.say_often.delay(times).id)
    said(job.id, f"number {times - 1}")
    kept = lines(job.id)
    assert len(kept) == 2 * KEPT_LINES
    assert [line.left_out for line in kept if line.left_out] == [times - 2 * KEPT_LINES]
    assert kept[KEPT_LINES].message == f"number {times - KEPT_LINES}"


def test_a_job_that_runs_long_shows_its_lines_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "enough"
    job_id = talkative.say_and_wait.delay(str(path)).id
    said(job_id, "still at 1")
    path.touch()
    assert ended(job_id).state == State.DONE


def is_waited_for() -> bool:
    """Whether somebody waits for the table."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass('job_log')"
    with reading() as session:
        return bool(session.scalar(text(waiting)))


def test_lines_wait_for_a_database_that_does_not_take_them() -> None:
    if settings().is_sqlite:
        pytest.skip("its one writer would keep the job waiting, too")
    with engine().begin() as connection:
        connection.execute(text("LOCK TABLE job_log IN ACCESS EXCLUSIVE MODE"))
        job = ended(talkative.say_often.delay(3).id)
        assert job.state == State.DONE
        wait_until(is_waited_for, seconds=20, what="the lines wait for the table")
        wait_until(lambda: not is_waited_for(), seconds=20, what="they give way")
    assert said(job.id, "number 2") == ["number 0", "number 1", "number 2"]


def lines_lost(service: Service) -> int:
    """How many the worker has said that it lost; it says so of the first ones at once, of others later."""
    told = [line for line in service.worker.log.read_text().splitlines() if "job_log_lines_lost" in line]
    return sum(json.loads(line)["lines"] for line in told)


def test_lines_that_are_refused_are_counted(service: Service) -> None:
    with transaction() as session:
        session.execute(text("ALTER TABLE job_log RENAME TO job_log_away"))
    job = ended(talkative.say_often.delay(3).id)
    wait_until(lambda: lines_lost(service), seconds=20, what="the loss is said")
    with transaction() as session:
        session.execute(text("ALTER TABLE job_log_away RENAME TO job_log"))
    assert job.state == State.DONE
    assert lines_lost(service) + len(lines(job.id)) <= 3
    again = ended(talkative.say_often.delay(1).id)
    assert said(again.id, "number 0") == ["number 0"]


def test_a_job_without_a_row_has_no_log(tmp_path: Path) -> None:
    path = tmp_path / "said"
    talkative.say_without_ledger.delay(str(path))
    wait_until(path.exists, seconds=20, what="it ran")
    job = ended(talkative.say_often.delay(1).id)
    said(job.id, "number 0")
    with reading() as session:
        kept = str(session.execute(text("SELECT lines FROM job_log")).all())
    assert "nobody keeps this" not in kept
