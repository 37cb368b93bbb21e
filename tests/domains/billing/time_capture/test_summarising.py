from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, text, update

from app.db.sessions import transaction
from app.domains.accounts.models import User
from app.domains.billing.charging.errors import YearNotAllowed
from app.domains.billing.models import TenantMember
from app.domains.billing.time_capture.models import TimeEntry
from tests.domains.billing.time_capture import workplace

if TYPE_CHECKING:
    from sqlalchemy import Engine

HOUR = 3600
#: One in the night after Monday, 2 February, by UTC.
NIGHT = "2026-02-03 01:00"


def test_a_day_is_summed_up_with_what_is_billable_and_what_lies_between(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-02 08:00", "2026-02-02 10:00")
    place.work("2026-02-02 11:00", "2026-02-02 12:30", project_id=place.unpaid)
    place.work("2026-02-02 12:45", "2026-02-02 13:00", state="approved")
    done = workplace.sum_up(NIGHT)
    assert (done.users, done.written, done.removed, done.set_aside) == (1, 1, 0, 0)
    assert workplace.days() == {"2026-02-02": (3, 13_500, 8_100, HOUR + 900)}


def test_a_second_run_writes_nothing(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-02 08:00", "2026-02-02 10:00")
    workplace.sum_up(NIGHT)
    before = workplace.summaries()[0].made_at
    assert workplace.sum_up("2026-02-03 02:00").written == 0
    assert workplace.summaries()[0].made_at == before


@pytest.mark.parametrize(
    ("spans", "gap"),
    [
        ([("08:00", "10:00"), ("09:00", "11:00")], 0),
        ([("08:00", "12:00"), ("09:00", "10:00"), ("13:00", "14:00")], HOUR),
        ([("09:00", "10:00"), ("08:00", "08:30")], 1_800),
        ([("08:00", "08:00")], 0),
        ([("08:00", "08:00"), ("09:00", "09:00")], HOUR),
        ([("08:00", "09:00"), ("09:00", "10:00")], 0),
    ],
)
def test_time_that_entries_share_is_no_gap_and_counts_once_in_none(
    database: Engine, spans: list[tuple[str, str]], gap: int
) -> None:
    place = workplace.found_tenant()
    for start, end in spans:
        place.work(f"2026-02-02 {start}", f"2026-02-02 {end}")
    workplace.sum_up(NIGHT)
    assert workplace.summaries()[0].gap_seconds == gap


def test_rejected_entries_do_not_count(database: Engine) -> None:
    place = workplace.found_tenant()
    entry = place.work("2026-02-02 08:00", "2026-02-02 10:00")
    workplace.sum_up(NIGHT)
    workplace.change(entry, state="rejected")
    assert workplace.sum_up(NIGHT).removed == 1
    assert workplace.days() == {}


def test_an_entry_over_midnight_is_cut_by_the_workers_clock(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-02 21:00", "2026-02-03 01:30")  # 22:00 to 02:30 in Berlin
    workplace.sum_up("2026-02-05 01:00")
    assert workplace.days() == {
        "2026-02-02": (1, 2 * HOUR, 2 * HOUR, 0),
        "2026-02-03": (1, 9_000, 9_000, 0),
    }


@pytest.mark.parametrize(
    ("day", "start", "end", "hours"),
    [
        ("2026-03-29", "2026-03-28 23:00", "2026-03-29 22:00", 23),
        ("2026-10-25", "2026-10-24 22:00", "2026-10-25 23:00", 25),
        ("2028-02-29", "2028-02-28 23:00", "2028-02-29 23:00", 24),
    ],
)
def test_a_day_is_as_long_as_it_is(database: Engine, day: str, start: str, end: str, hours: int) -> None:
    place = workplace.found_tenant()
    place.work(start, end)
    workplace.sum_up(f"{day[:4]}-12-01 01:00", day=date.fromisoformat(day))
    assert workplace.days() == {day: (1, hours * HOUR, hours * HOUR, 0)}


@pytest.mark.parametrize(
    ("timezone", "last"),
    [
        ("Pacific/Kiritimati", "2026-02-02"),  # 15:00 of the 3rd
        ("Europe/Berlin", "2026-02-02"),
        ("America/New_York", "2026-02-01"),  # 20:00 of the 2nd
        ("Pacific/Niue", "2026-02-01"),
        ("Mars/Olympus", "2026-02-02"),  # unknown, and taken for UTC
    ],
)
def test_days_are_summed_up_once_they_are_over_on_the_users_own_clock(
    database: Engine, timezone: str, last: str
) -> None:
    place = workplace.found_tenant()
    with transaction() as session:
        session.execute(update(User).where(User.id == place.members[0]).values(timezone=timezone))
    for day in range(1, 5):
        place.work(f"2026-02-0{day} 10:00", f"2026-02-0{day} 11:00")
    workplace.sum_up(NIGHT)
    assert max(workplace.days()) == last


def test_a_day_that_is_not_over_is_summed_up_the_night_after(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-03 07:00", "2026-02-03 08:00")
    workplace.sum_up("2026-02-03 22:59")
    assert workplace.days() == {}
    workplace.sum_up("2026-02-03 23:00")
    assert list(workplace.days()) == ["2026-02-03"]


def test_nights_that_were_missed_are_made_up_for(database: Engine) -> None:
    place = workplace.found_tenant()
    for day in range(1, 29):
        place.work(f"2026-01-{day:02} 08:00", f"2026-01-{day:02} 09:00")
    assert workplace.sum_up(NIGHT).written == 28
    assert len(workplace.days()) == 28


def test_an_entry_that_moves_leaves_its_day_and_comes_to_another(database: Engine) -> None:
    place = workplace.found_tenant()
    entry = place.work("2026-01-12 08:00", "2026-01-12 09:00")
    workplace.sum_up(NIGHT)
    workplace.change(
        entry, started_at=workplace.at("2026-01-13 08:00"), ended_at=workplace.at("2026-01-13 10:00")
    )
    done = workplace.sum_up(NIGHT)
    assert (done.written, done.removed) == (1, 1)
    assert workplace.days() == {"2026-01-13": (1, 2 * HOUR, 2 * HOUR, 0)}


def test_an_entry_that_is_deleted_is_taken_out_of_its_day(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-01-12 08:00", "2026-01-12 09:00")
    workplace.sum_up(NIGHT)
    with transaction() as session:
        session.execute(delete(TimeEntry))
    assert workplace.sum_up(NIGHT).removed == 1
    assert workplace.days() == {}


def test_a_day_of_long_ago_is_summed_up_when_an_entry_of_it_changes(database: Engine) -> None:
    place = workplace.found_tenant()
    old = place.work("2024-02-29 08:00", "2024-02-29 09:00", changed_at=workplace.at("2024-03-01 00:00"))
    place.work("2024-02-29 10:00", "2024-02-29 11:00", changed_at=workplace.at("2024-03-01 00:00"))
    workplace.sum_up(NIGHT)
    assert workplace.days() == {}, "nobody touched it in the last two months"
    workplace.change(
        old, ended_at=workplace.at("2024-02-29 09:30"), changed_at=workplace.at("2026-02-02 12:00")
    )
    workplace.sum_up(NIGHT)
    assert workplace.days() == {"2024-02-29": (2, 9_000, 9_000, 1_800)}


def test_the_day_before_the_two_months_is_as_old_as_others(database: Engine) -> None:
    place = workplace.found_tenant()
    first = date(2026, 2, 2) - timedelta(days=61)
    for day in (first - timedelta(days=1), first):
        place.work(f"{day} 08:00", f"{day} 09:00", changed_at=workplace.at("2026-02-02 12:00"))
    workplace.sum_up(NIGHT)
    assert list(workplace.days()) == ["2025-12-02", "2025-12-03"]


def test_tenants_are_summed_up_by_themselves(database: Engine) -> None:
    place, other = workplace.found_tenant(), workplace.found_tenant()
    other.join(user_id=place.members[0])
    place.work("2026-02-02 08:00", "2026-02-02 09:00")
    other.work("2026-02-02 12:00", "2026-02-02 14:00", user_id=place.members[0])
    workplace.sum_up(NIGHT)
    assert [(one.tenant_id, one.seconds, one.gap_seconds) for one in workplace.summaries()] == [
        (place.id, HOUR, 0),
        (other.id, 2 * HOUR, 0),
    ]


def test_what_somebody_worked_counts_after_they_left(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-02 08:00", "2026-02-02 09:00")
    with transaction() as session:
        session.execute(delete(TenantMember))
    workplace.sum_up(NIGHT)
    assert len(workplace.days()) == 1


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("timezone", "US/Pacific-New", "US/Pacific-New"),
        ("started_at", datetime(1066, 10, 14, tzinfo=UTC), "1066"),
        ("ended_at", datetime(9999, 1, 1, tzinfo=UTC), "9999"),
        ("ended_at", datetime(2026, 3, 30, tzinfo=UTC), "1336 hours"),
    ],
)
def test_an_entry_that_cannot_be_read_is_set_aside_and_named(
    database: Engine, column: str, value: Any, says: str
) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-02 06:00", "2026-02-02 07:00")
    bad = place.work("2026-02-02 08:00", "2026-02-02 09:00", changed_at=workplace.at("2026-02-02 09:00"))
    other = workplace.found_tenant()
    other.work("2026-02-02 08:00", "2026-02-02 09:00")
    workplace.change(bad, **{column: value})
    done = workplace.sum_up(NIGHT)
    assert done.set_aside == 1
    [named] = done.named
    assert named.startswith(f"Entry {bad} is set aside: ")
    assert says in named
    assert len(workplace.summaries()) == 2


@pytest.mark.databases("postgresql")
def test_a_moment_that_no_calendar_has_is_set_aside(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-02 06:00", "2026-02-02 07:00")
    bad = place.work("2026-02-02 08:00", "2026-02-02 09:00", changed_at=workplace.at("2026-02-02 09:00"))
    with transaction() as session:
        session.execute(
            text("UPDATE time_entry SET started_at = 'infinity', ended_at = 'infinity' WHERE id = :id"),
            {"id": bad},
        )
    assert workplace.sum_up(NIGHT).set_aside == 1
    assert len(workplace.days()) == 1


def test_many_that_cannot_be_read_are_counted_and_the_first_named(database: Engine) -> None:
    place = workplace.found_tenant()
    workplace.add_entries(
        [place.entry("2026-02-02 08:00", "2026-02-02 09:00", timezone="Nowhere") for _ in range(50)]
    )
    done = workplace.sum_up(NIGHT)
    assert (done.set_aside, len(done.named)) == (50, 20)


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date(2200, 1, 1), date.max])
def test_a_far_day_is_refused(database: Engine, day: date) -> None:
    with pytest.raises(YearNotAllowed):
        workplace.sum_up(NIGHT, day=day)


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2199, 12, 31), date(2026, 2, 2)])
def test_a_day_without_anything_is_nothing(database: Engine, day: date) -> None:
    assert workplace.sum_up(NIGHT, day=day).users == 0
    workplace.found_tenant()
    assert workplace.sum_up(NIGHT, day=day).written == 0


def test_one_day_is_summed_up_on_demand_and_others_are_left_alone(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-01-12 08:00", "2026-01-12 09:00")
    place.work("2026-01-13 08:00", "2026-01-13 09:00")
    workplace.sum_up(NIGHT, day=date(2026, 1, 12))
    assert list(workplace.days()) == ["2026-01-12"]
    workplace.sum_up(NIGHT, day=date(2026, 1, 13))
    assert list(workplace.days()) == ["2026-01-12", "2026-01-13"]


def test_users_come_in_chunks_and_each_once(database: Engine) -> None:
    place = workplace.found_tenant()
    for _ in range(10):
        place.join()
    for user_id in place.members:
        place.work("2026-02-02 08:00", "2026-02-02 09:00", user_id=user_id)
    assert workplace.sum_up(NIGHT, chunk=3).users == 11
    assert len(workplace.summaries()) == 11


@pytest.mark.databases("postgresql")
def test_ten_thousand_entries_of_one_user_are_summed_up_in_little_memory(database: Engine) -> None:
    place = workplace.found_tenant()
    rows = []
    for day in range(50):
        start = datetime(2025, 12, 10, 6, tzinfo=UTC) + timedelta(days=day)
        for number in range(200):
            moment = start + timedelta(minutes=3 * number)
            entry = place.entry("2026-01-01 00:00", "2026-01-01 00:00", description="測試 " * 100)
            rows.append(entry | {"started_at": moment, "ended_at": moment + timedelta(minutes=2)})
    workplace.add_entries(rows)
    tracemalloc.start()
    workplace.sum_up(NIGHT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert set(workplace.days().values()) == {(200, 24_000, 24_000, 199 * 60)}
    assert len(workplace.days()) == 50
    assert peak < 25_000_000


@pytest.mark.databases("postgresql")  # SQLite has one writer
def test_runs_at_the_same_time_make_one_summary(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-02 08:00", "2026-02-02 09:00")
    ran: list[bool] = []

    # While the first one is about to write, the second does all of it.
    def before(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT daily_summary") and not ran:
            ran.append(True)
            workplace.sum_up(NIGHT)

    event.listen(database, "before_cursor_execute", before)
    try:
        workplace.sum_up(NIGHT)
    finally:
        event.remove(database, "before_cursor_execute", before)
    assert ran == [True]
    assert workplace.days() == {"2026-02-02": (1, HOUR, HOUR, 0)}
