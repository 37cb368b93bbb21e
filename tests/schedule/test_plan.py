"""Which moments are fired: each once, and the missed ones as the schedule says."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from app.schedule.plan import AT_ONCE, ON_TIME, Period, plan
from app.schedule.policies import Misfire
from app.schedule.spec import Once, Schedule, cron, every

NOON = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
#: When summer time begins or ends, in New York and in Berlin.
CHANGES = [datetime(2026, *day, tzinfo=UTC) for day in ((3, 8, 7), (3, 29, 1), (10, 25, 1), (11, 1, 6))]
NEAR = timedelta(days=2)
ENTRIES: dict[str, Schedule] = {
    "quarter": cron("*/15 * * * *", timezone="Europe/Berlin"),
    "hourly": cron("0 * * * *", timezone="America/New_York"),
    "in the hour that is missing or comes twice, Berlin": cron("30 2 * * *", timezone="Europe/Berlin"),
    "in the hour that is missing or comes twice, New York": cron("30 1,2 * * *", timezone="America/New_York"),
    "every seven minutes": every(timedelta(minutes=7)),
    "once": Once(datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
}


def walked(rule: Schedule, *, start: datetime, end: datetime, steps: random.Random) -> list[datetime]:
    """The moments that a beat fires which looks at random times.

    Around a change of the clocks they are no further apart than is on time, so that no policy misses any.
    Elsewhere they are as far apart as the grace, in which all are to be made up for.
    """
    fired: list[datetime] = []
    seen, now = start, start
    while now < end:
        is_near = any(abs(now - change) < NEAR for change in CHANGES)
        now += timedelta(seconds=steps.uniform(0.2, (ON_TIME if is_near else HOUR).total_seconds()))
        misfire = steps.choice(list(Misfire)) if is_near else Misfire.ALL
        found = plan(rule, seen_until=seen, now=now, misfire=misfire, grace=HOUR)
        assert found.missed is None
        fired += found.moments
        seen = found.seen_until
    return fired


@pytest.mark.parametrize("start", [datetime(2026, 2, 25, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)])
@pytest.mark.parametrize("name", ENTRIES)
def test_sixty_days_over_a_change_of_summer_time_fire_each_moment_once(name: str, start: datetime) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rule, end = ENTRIES[name], start + timedelta(days=60)
    fired = walked(rule, start=start, end=end, steps=random.Random(seed))
    expected = list(Period().between(rule, after=start, upto=max([end, *fired[-1:]])))
    assert fired[: len(expected)] == expected
    assert len(fired) == len(set(fired))


def missed_since(span: timedelta, *, misfire: Misfire, grace: timedelta = 24 * HOUR) -> list[str]:
    found = plan(cron("0 * * * *"), seen_until=NOON - span, now=NOON, misfire=misfire, grace=grace)
    return [f"{moment:%H:%M}" for moment in found.moments]


def test_after_an_outage_the_policy_says_what_is_fired() -> None:
    late = NOON + 30 * MINUTE
    hourly = cron("0 * * * *")
    fired = {
        misfire: [
            f"{moment:%H:%M}"
            for moment in plan(
                hourly, seen_until=late - 4 * HOUR, now=late, misfire=misfire, grace=24 * HOUR
            ).moments
        ]
        for misfire in Misfire
    }
    assert fired == {
        Misfire.SKIP: [],
        Misfire.ONCE: ["12:00"],
        Misfire.ALL: ["09:00", "10:00", "11:00", "12:00"],
    }


def test_a_moment_on_time_stands_for_those_that_were_missed_before_it() -> None:
    assert missed_since(4 * HOUR, misfire=Misfire.ONCE) == ["12:00"]
    assert missed_since(4 * HOUR, misfire=Misfire.SKIP) == ["12:00"]


def test_what_is_older_than_the_grace_is_not_fired_and_is_told() -> None:
    late = NOON + 30 * MINUTE
    for misfire in Misfire:
        found = plan(
            cron("0 * * * *"), seen_until=late - 4 * HOUR, now=late, misfire=misfire, grace=10 * MINUTE
        )
        assert found.moments == ()
        assert found.missed == datetime(2026, 3, 1, 9, tzinfo=UTC)
        assert found.seen_until == late


def test_a_long_outage_is_caught_up_with_in_bounded_steps() -> None:
    rule, seen = every(MINUTE), NOON - 24 * HOUR
    fired: list[datetime] = []
    while True:
        found = plan(rule, seen_until=seen, now=NOON, misfire=Misfire.ALL, grace=48 * HOUR)
        if not found.moments:
            break
        assert len(found.moments) <= AT_ONCE
        fired += found.moments
        seen = found.seen_until
    assert fired == list(Period().between(rule, after=NOON - 24 * HOUR, upto=NOON))


def test_nothing_is_fired_outside_of_its_period() -> None:
    period = Period(starts_at=NOON - 2 * HOUR, ends_at=NOON - HOUR)
    found = plan(
        every(30 * MINUTE),
        seen_until=NOON - 5 * HOUR,
        now=NOON,
        misfire=Misfire.ALL,
        grace=24 * HOUR,
        period=period,
    )
    assert [f"{moment:%H:%M}" for moment in found.moments] == ["10:30", "11:00"]
    latest = plan(
        every(30 * MINUTE),
        seen_until=NOON - 5 * HOUR,
        now=NOON,
        misfire=Misfire.ONCE,
        grace=24 * HOUR,
        period=period,
    )
    assert [f"{moment:%H:%M}" for moment in latest.moments] == ["11:00"]


def test_the_ends_of_a_period_belong_to_it() -> None:
    whole = datetime(2026, 3, 1, 12, tzinfo=UTC)
    period = Period(starts_at=whole, ends_at=whole)
    assert period.next(cron("0 * * * *"), after=whole - HOUR) == whole
    assert period.next(cron("0 * * * *"), after=whole) is None


def test_a_clock_that_was_set_back_fires_nothing_twice() -> None:
    found = plan(every(MINUTE), seen_until=NOON, now=NOON - HOUR, misfire=Misfire.ALL, grace=HOUR)
    assert (found.moments, found.missed, found.seen_until) == ((), None, NOON)
