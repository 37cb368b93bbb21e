"""Figures over time: what is told of a span, and which spans can be asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import reading
from app.jobs.ledger.models import State
from app.jobs.statistics import figures
from app.jobs.statistics.buckets import BOUNDS
from app.jobs.statistics.errors import SpanTooLong, StepNotKept, UnusableSpan
from app.jobs.statistics.figures import Series, Step, percentile
from app.jobs.transitions import rollup
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish, roll_up

if TYPE_CHECKING:
    from collections.abc import Sequence

TASK, QUEUE = samples.greet.name, "maintenance"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
FIRST = datetime(1, 1, 1, tzinfo=UTC)


def series(**asked: Any) -> Series:
    with reading() as session:
        return figures.series(session, counted_until=rollup.watermark(session), **asked)


def times(**counts: int) -> Sequence[int]:
    """How many there are in some of the buckets."""
    return [counts.get(f"b{place}", 0) for place in range(len(BOUNDS) + 1)]


def test_percentiles_lie_within_their_buckets_and_none_beyond_the_last() -> None:
    assert percentile(times(), 0.5) is None
    assert percentile(times(b7=10), 0.5) == pytest.approx(0.75)
    assert percentile(times(b0=10), 1.0) == BOUNDS[0]
    assert percentile(times(b0=90, b9=10), 0.95) == pytest.approx(3.75)
    assert percentile(times(b17=1), 0.5) == BOUNDS[-1]


def test_a_day_of_all_is_told_where_nothing_else_is_asked(database: object) -> None:
    ids = accepted(10)
    finish(ids[:6], ago=timedelta(minutes=30), ran=0.2, waited=3)
    finish(ids[6:9], ago=timedelta(hours=5), state=State.DEAD)
    finish(ids[9:], ago=timedelta(hours=30))
    roll_up()
    found = series()
    assert (found.step, found.counted_until is not None) == (Step.FIVE_MINUTES, True)
    assert (found.total.done, found.total.dead) == (6, 3)
    assert found.total.per_second == pytest.approx(9 / DAY.total_seconds(), rel=0.01)
    assert [one.done + one.dead for one in found.steps] == [3, 6]
    latest = found.steps[-1]
    assert (latest.run.count, latest.wait.count) == (6, 6)
    assert latest.run.mean == pytest.approx(0.2, abs=0.002)
    assert latest.run.p95 == pytest.approx(0.25, abs=0.15)
    assert latest.attempts == {"done": 6}


@pytest.mark.parametrize("step", Step)
def test_each_step_holds_what_ended_in_it(database: object, step: Step) -> None:
    ids = accepted(4)
    for place, job_id in enumerate(ids):
        finish([job_id], ago=timedelta(minutes=1) + place * timedelta(minutes=20))
    roll_up()
    found = series(step=step, begin=datetime.now(UTC) - 5 * HOUR)
    assert sum(one.done for one in found.steps) == found.total.done == 4
    assert all((one.begins_at - FIRST) % step.length == timedelta() for one in found.steps)
    assert {one.seconds for one in found.steps} == {step.length.total_seconds()}


def test_a_task_and_a_queue_narrow(database: object) -> None:
    ids = accepted(6)
    change(ids[3:5], queue="default")
    change(ids[5:], task="another.task")
    finish(ids, ago=timedelta(minutes=3))
    roll_up()
    assert series().total.done == 6
    assert series(task=TASK).total.done == 5
    assert series(queue=QUEUE).total.done == 4
    assert series(task=TASK, queue=QUEUE).total.done == 3
    assert series(task="none").total.done == 0


def test_before_anything_was_counted_there_is_nothing(database: object) -> None:
    found = series()
    assert (found.counted_until, found.steps, found.total.run.p50) == (None, [], None)


def test_of_a_span_long_ago_hours_are_told(database: object) -> None:
    finish(accepted(), ago=10 * DAY)
    roll_up()
    found = series(begin=datetime.now(UTC) - 11 * DAY, end=datetime.now(UTC) - 9 * DAY)
    assert (found.step, found.total.done) == (Step.HOUR, 1)
    assert series(begin=datetime.now(UTC) - 400 * DAY).step is Step.DAY


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"begin": FAR, "end": FIRST}, UnusableSpan, "let begin come before end"),
        ({"begin": FAR, "end": FAR}, UnusableSpan, "let begin come before end"),
        ({"begin": FAR}, UnusableSpan, "let begin come before end"),
        ({"end": FIRST}, UnusableSpan, "let begin come before end"),
        ({"begin": FIRST, "end": FAR}, SpanTooLong, "ask for a shorter one, or for longer steps"),
        ({"begin": FIRST, "step": Step.MINUTE}, StepNotKept, "are kept for 48 h"),
        (
            {"begin": datetime.now(UTC) - 40 * HOUR, "step": Step.MINUTE},
            SpanTooLong,
            "With steps of 1m a span may be 25 h at most",
        ),
    ],
)
@pytest.mark.databases("sqlite")
def test_a_span_that_nothing_can_be_told_of_is_refused_in_a_sentence(
    database: object, asked: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        series(**asked)


@pytest.mark.parametrize("asked", [{"begin": FAR - HOUR, "end": FAR}, {"begin": FIRST, "end": FIRST + DAY}])
@pytest.mark.databases("sqlite")
def test_a_far_span_is_empty(database: object, asked: dict[str, Any]) -> None:
    assert series(**asked).steps == []
