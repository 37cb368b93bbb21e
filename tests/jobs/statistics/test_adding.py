"""What ended is counted in the minute and hour in which it did: once, however late, and whatever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, func, insert, select, update

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Attempt, Job, JobStat, Outcome, State
from app.jobs.statistics import adding
from app.jobs.statistics.adding import ALL, HOUR, MINUTE, floor
from app.jobs.statistics.buckets import PLACES
from app.jobs.statistics.models import StatHour, StatMinute
from app.jobs.statistics.sums import Sums
from app.jobs.transitions import rollup
from tests.checkout import ROOT
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish, roll_up
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.usefixtures("database")

TASK, QUEUE = samples.greet.name, "maintenance"
OWN = (TASK, QUEUE)
LONG_AGO = timedelta(hours=3)
#: Rolls up as beat does, and stands still before its commit.
STANDS_STILL = """
import sys
from app.db.sessions import transaction
from app.jobs.transitions import rollup
with transaction() as session:
    print(rollup.roll_up(session), flush=True)
    sys.stdin.read()
"""


def counted(table: type[StatMinute | StatHour], key: tuple[str, str] = OWN) -> dict[datetime, Sums]:
    """The sums of a task, by their beginnings."""
    with reading() as session:
        rows = session.execute(select(*table.__table__.c).where(table.task == key[0], table.queue == key[1]))
        return {row.begins_at: Sums.of_row(row) for row in rows}


def total(table: type[StatMinute | StatHour], key: tuple[str, str] = OWN) -> Sums:
    found = Sums()
    for sums in counted(table, key).values():
        found.add(sums)
    return found


def ended_at(job_id: str) -> datetime:
    with reading() as session:
        moment = session.get_one(Job, job_id).finished_at
    assert moment is not None
    return moment


def test_ends_stand_under_the_minute_and_hour_in_which_they_were_though_the_roll_up_stood_still() -> None:
    ids = accepted(5)
    finish(ids[:2], ago=LONG_AGO)
    finish(ids[2:4], ago=LONG_AGO - timedelta(minutes=7), state=State.DEAD)
    finish(ids[4:], ago=timedelta(minutes=2), state=State.CANCELLED)
    roll_up()
    first, second, third = (floor(ended_at(ids[place]), MINUTE) for place in (0, 2, 4))
    minutes = counted(StatMinute)
    assert {at: dict(sums.jobs) for at, sums in minutes.items()} == {
        first: {"done": 2},
        second: {"dead": 2},
        third: {"cancelled": 1},
    }
    hours = counted(StatHour)
    assert hours.keys() == {floor(at, HOUR) for at in minutes}
    assert dict(total(StatHour).jobs) == {"done": 2, "dead": 2, "cancelled": 1}


def test_times_are_counted_in_their_buckets() -> None:
    ids = accepted(3)
    finish(ids[:2], ago=LONG_AGO, ran=0.5, waited=7)
    finish(ids[2:], ago=LONG_AGO, ran=90_000, waited=0)
    roll_up()
    sums = total(StatMinute)
    assert (sums.run[PLACES["0.5"]], sums.run[PLACES["inf"]], sum(sums.run)) == (2, 1, 3)
    assert (sums.wait[PLACES["10"]], sums.wait[PLACES["0.005"]], sum(sums.wait)) == (2, 1, 3)
    assert sums.run_seconds == pytest.approx(90_001)
    assert sums.wait_seconds == pytest.approx(14)


def test_what_comes_late_is_added_to_a_minute_that_is_counted_already() -> None:
    ids = accepted(3)
    finish(ids[:2], ago=LONG_AGO)
    roll_up()
    with transaction() as session:
        # Another beat had counted up to here only.
        at = ended_at(ids[0]) - timedelta(seconds=1)
        moved = update(JobStat).where(JobStat.kind == rollup.WATERMARK)
        session.execute(moved.values(count=rollup._micros(at)))
        session.execute(delete(Job).where(Job.id.in_(ids[:2])))
    change(ids[2:], state=State.DONE, finished_at=at, started_at=at, run_at=at)
    roll_up()
    assert sum(sums.jobs["done"] for sums in counted(StatMinute).values()) == 3
    assert total(StatHour).jobs["done"] == 3


def test_attempts_are_counted_when_they_ended_and_the_last_of_a_done_job_with_it() -> None:
    [job_id] = accepted()
    at = datetime.now(UTC) - LONG_AGO
    with transaction() as session:
        values = {"job_id": job_id, "fence": 1, "outcome": Outcome.RETRIED, "finished_at": at}
        session.execute(insert(Attempt).values(started_at=at - timedelta(seconds=40), **values))
    finish([job_id], ago=timedelta(minutes=1))
    roll_up()
    assert dict(counted(StatMinute)[floor(at, MINUTE)].attempts) == {"retried": 1}
    assert dict(total(StatMinute).attempts) == {"retried": 1, "done": 1}
    assert total(StatMinute).run[PLACES["60"]] == 1


def test_minutes_hours_and_totals_say_the_same_and_so_do_those_of_all_tasks() -> None:
    ids = accepted(9)
    change(ids[4:6], queue="default")
    change(ids[6:], task="another.task")
    for place, job_id in enumerate(ids):
        finish([job_id], ago=place * timedelta(minutes=11) + timedelta(minutes=1), ran=place)
    roll_up()
    for table in (StatMinute, StatHour):
        keys = (OWN, (TASK, "default"), ("another.task", QUEUE))
        whole = Sums()
        for key in keys:
            whole.add(total(table, key))
        assert whole.jobs == total(table, (ALL, ALL)).jobs == {"done": 9}
        assert total(table, (ALL, QUEUE)).jobs == {"done": 7}
        assert whole.run == total(table, (ALL, ALL)).run
        assert whole.wait == total(table, (ALL, ALL)).wait
    with reading() as session:
        counters = select(func.sum(JobStat.count)).where(JobStat.kind == "finished")
        assert session.scalar(counters) == 9


def test_a_row_that_cannot_be_read_counts_as_nothing_and_stops_no_roll_up() -> None:
    ids = accepted(2)
    finish(ids[:1], ago=timedelta(minutes=30))
    roll_up()
    with transaction() as session:
        for table in (StatMinute, StatHour):
            session.execute(update(table).values(jobs=[1], run={"a": 1}, wait=[1, 2], attempts={"done": -1}))
    finish(ids[1:], ago=rollup.SETTLED - timedelta(seconds=0.5))
    wait_until(lambda: roll_up() == 1, seconds=10, what="the other is counted")
    assert total(StatMinute).jobs["done"] == 1
    assert sum(total(StatMinute).run) == 1


def test_a_beat_that_is_killed_before_its_commit_has_counted_nothing(database: Engine) -> None:
    finish(accepted(3), ago=timedelta(minutes=5))
    beat = subprocess.Popen(
        [sys.executable, "-c", STANDS_STILL], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with beat:
        assert beat.stdout is not None
        assert int(beat.stdout.readline()) == 3
        os.kill(beat.pid, signal.SIGKILL)
    assert roll_up() == 3
    assert roll_up() == 0
    assert dict(total(StatMinute).jobs) == dict(total(StatHour).jobs) == {"done": 3}
    assert dict(total(StatMinute, (ALL, ALL)).jobs) == {"done": 3}


def test_old_minutes_and_hours_are_forgotten_by_the_pruning() -> None:
    finish(accepted(), ago=timedelta(minutes=1))
    roll_up()
    now = datetime.now(UTC)
    empty = dict(Sums().as_row())
    with transaction() as session:
        for table, kept in ((StatMinute, adding.MINUTES_KEPT), (StatHour, adding.HOURS_KEPT)):
            for age in (kept - HOUR, kept + HOUR):
                at = {"task": TASK, "queue": QUEUE, "begins_at": now - age}
                session.execute(insert(table).values(**at, **empty))
    with transaction() as session:
        rollup.prune(session, before=now - timedelta(days=1))
    assert min(counted(StatMinute)) == pytest.approx(now - adding.MINUTES_KEPT + HOUR, abs=MINUTE)
    assert min(counted(StatHour)) == pytest.approx(now - adding.HOURS_KEPT + HOUR, abs=MINUTE)
