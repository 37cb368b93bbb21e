from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.domains.accounts.models import User
from app.domains.billing.models import Role
from app.domains.billing.time_capture.reminders import ReminderType
from tests.domains.billing.time_capture import workplace
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

END, MISSING, WEEK = ReminderType.END_OF_DAY, ReminderType.MISSING_ENTRIES, ReminderType.WEEKLY_SUMMARY
#: Half past five in Berlin, on Tuesday, 3 February 2026.
EVENING = "2026-02-03 16:30"
#: Nine in Berlin, on that day and on the Monday before it.
MORNING = "2026-02-03 08:00"
MONDAY = "2026-02-02 08:00"


def titles() -> list[str]:
    return [one.title for one in people.notifications()]


# end_of_day


def test_who_recorded_nothing_is_reminded_in_the_evening(database: Engine) -> None:
    place = workplace.found_tenant()
    diligent = place.join(name="Ben")
    place.work("2026-02-03 08:00", "2026-02-03 09:00", user_id=diligent)
    assert workplace.remind("2026-02-03 16:29", END) == 0
    assert workplace.remind(EVENING, END) == 1
    [told] = people.notifications()
    assert (told.user_id, told.type) == (place.members[0], "time_entry_reminder")
    assert told.title == "You recorded no time today"
    assert told.body == (
        "There is no time entry of yours for Tuesday, 3 February 2026. "
        "Add what you worked while you remember it."
    )
    assert told.key == f"time-entry-reminder:end_of_day:{place.members[0]}:2026-02-03"
    assert told.data == {"reminder": "end_of_day", "date": "2026-02-03"}


def test_a_reminder_is_sent_once_however_often_it_is_run(database: Engine) -> None:
    workplace.found_tenant()
    assert [workplace.remind(f"2026-02-03 {hour}:45", END) for hour in range(15, 23)] == [
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
    ]
    assert workplace.remind("2026-02-04 16:30", END) == 1


def test_an_entry_of_the_day_before_that_reaches_into_today_is_time_of_today(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-02 22:00", "2026-02-03 00:00")
    assert workplace.remind(EVENING, END) == 0


def test_a_rejected_entry_is_none(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-03 08:00", "2026-02-03 09:00", state="rejected")
    assert workplace.remind(EVENING, END) == 1


def test_an_entry_for_another_tenant_is_time_too(database: Engine) -> None:
    place, other = workplace.found_tenant(), workplace.found_tenant()
    other.join(user_id=place.members[0])
    other.work("2026-02-03 08:00", "2026-02-03 09:00", user_id=place.members[0])
    assert workplace.remind(EVENING, END) == 1
    assert people.notifications()[0].user_id == other.members[0]


@pytest.mark.parametrize("day", ["2026-02-07", "2026-02-08"])
def test_nobody_is_reminded_on_a_weekend(database: Engine, day: str) -> None:
    workplace.found_tenant()
    assert workplace.remind(f"{day} 20:00") == 0


@pytest.mark.parametrize(
    ("timezone", "moment"),
    [
        ("Pacific/Kiritimati", "2026-02-03 03:30"),
        ("Asia/Kathmandu", "2026-02-03 11:45"),
        ("America/St_Johns", "2026-02-03 21:00"),
        ("Pacific/Niue", "2026-02-04 04:30"),
        ("Mars/Olympus", "2026-02-03 17:30"),  # unknown, and taken for UTC
    ],
)
def test_half_past_five_is_by_the_users_own_clock(database: Engine, timezone: str, moment: str) -> None:
    place = workplace.found_tenant()
    with transaction() as session:
        session.execute(update(User).where(User.id == place.members[0]).values(timezone=timezone))
    before = workplace.at(moment) - timedelta(minutes=15)
    workplace.remind(f"{before:%Y-%m-%d %H:%M}", END)
    assert f"time-entry-reminder:end_of_day:{place.members[0]}:2026-02-03" not in keys()
    assert workplace.remind(moment, END) == 1
    assert f"time-entry-reminder:end_of_day:{place.members[0]}:2026-02-03" in keys()


def keys() -> set[str]:
    return {one.key for one in people.notifications()}


# Who is reminded


def test_an_admin_is_reminded_who_recorded_time_in_the_last_weeks(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-03 08:00", "2026-02-03 09:00")
    admin = place.join(role=Role.ADMIN)
    assert workplace.remind(EVENING, END) == 0
    place.work("2026-01-20 08:00", "2026-01-20 09:00", user_id=admin)
    assert workplace.remind(EVENING, END) == 1
    assert people.notifications()[0].user_id == admin


def test_nobody_is_reminded_who_belongs_to_no_tenant_or_may_not_sign_in(database: Engine) -> None:
    people.add_user()
    place = workplace.found_tenant()
    with transaction() as session:
        session.execute(update(User).where(User.id == place.members[0]).values(disabled_at=workplace.MADE))
    assert workplace.remind(EVENING) == 0


def test_preferences_say_by_which_channels(database: Engine) -> None:
    workplace.found_tenant(channels={"time_entry_reminder": ["in_app"]})
    workplace.found_tenant(channels={"time_entry_reminder": []})
    assert workplace.remind(EVENING, END) == 2
    first, second = people.notifications()
    assert (people.states(first.id), people.states(second.id)) == ({"in_app": "sent"}, {})
    assert people.jobs_of("notifications.deliver_email") == []


def test_quiet_hours_hold_the_mail_back(database: Engine) -> None:
    workplace.found_tenant(quiet_hours={"start": "17:00", "end": "08:00"})
    workplace.remind(EVENING, END)
    told = people.channels(people.notifications()[0].id)
    assert told["email"].not_before == workplace.at("2026-02-04 07:00")


def test_users_come_in_chunks_and_each_once(database: Engine) -> None:
    place = workplace.found_tenant()
    for number in range(250):
        place.join(timezone="Europe/Berlin" if number % 2 else "Europe/Paris")
    assert workplace.remind(EVENING, END) == 251
    assert len({one.user_id for one in people.notifications()}) == 251


# missing_entries


def test_who_recorded_nothing_on_the_workday_before_is_told_in_the_morning(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-01-30 08:00", "2026-01-30 09:00")
    place.work("2026-01-29 08:00", "2026-01-29 09:00")
    assert workplace.remind("2026-02-03 07:59", MISSING) == 0
    assert workplace.remind(MORNING, MISSING) == 1
    [told] = people.notifications()
    assert told.title == "No time is recorded for Monday, 2 February 2026"
    assert told.body == (
        "In the last week you recorded no time for:\n- Tuesday, 27 January 2026\n"
        "- Wednesday, 28 January 2026\n- Monday, 2 February 2026\nAdd what you worked."
    )


def test_on_monday_friday_is_the_workday_before(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-01-30 08:00", "2026-01-30 09:00")
    assert workplace.remind(MONDAY, MISSING) == 0
    assert workplace.remind(MORNING, MISSING) == 1


def test_a_missing_day_is_told_of_once(database: Engine) -> None:
    workplace.found_tenant()
    assert workplace.remind(MORNING, MISSING) == 1
    assert workplace.remind("2026-02-03 20:00", MISSING) == 0
    assert titles() == ["No time is recorded for Monday, 2 February 2026"]


# weekly_summary


def test_a_week_is_told_on_monday_to_whoever_worked_in_it(database: Engine) -> None:
    place = workplace.found_tenant()
    place.join(name="Idle")
    place.work("2026-01-25 22:30", "2026-01-25 23:30")  # half of it on Monday in Berlin
    place.work("2026-01-28 08:00", "2026-01-28 17:15", state="approved")
    place.work("2026-02-01 08:00", "2026-02-01 09:00", project_id=place.unpaid)
    place.work("2026-02-02 07:00", "2026-02-02 07:30")
    workplace.validate("2026-02-02 07:45")
    assert workplace.remind("2026-02-02 07:59", WEEK) == 0
    assert [workplace.remind(MONDAY, WEEK), workplace.remind("2026-02-02 20:00", WEEK)] == [1, 0]
    assert workplace.remind("2026-02-03 08:00", WEEK) == 0
    [told] = people.notifications()
    assert told.title == "Your week: 10 h 45 min"
    assert told.body == (
        "In the week from Monday, 26 January 2026, you recorded 10 h 45 min in 3 entries.\n"
        "Billable: 9 h 45 min\nNot decided yet: 2 entries\nOpen issues: 1"
    )


def test_all_types_are_sent_at_their_hours_where_none_is_named(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-01-28 08:00", "2026-01-28 09:00")
    assert workplace.remind(MONDAY) == 2
    assert workplace.remind("2026-02-02 16:30") == 1
    assert titles() == [
        "No time is recorded for Friday, 30 January 2026",
        "Your week: 1 h 00 min",
        "You recorded no time today",
    ]


def test_an_entry_that_cannot_be_read_is_none(database: Engine) -> None:
    place = workplace.found_tenant()
    entry = place.work("2026-02-03 08:00", "2026-02-03 09:00")
    workplace.change(entry, timezone="Nowhere/Else")
    other = workplace.found_tenant()
    assert workplace.remind(EVENING, END) == 2
    assert {one.user_id for one in people.notifications()} == {place.members[0], other.members[0]}
