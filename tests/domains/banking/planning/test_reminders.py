from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.domains.accounts.models import User
from app.domains.banking.models import Bill, BillRule
from tests.domains.banking import home
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

DUE = date(2026, 2, 1)
MORNING = "2026-02-01T08:00:00+00:00"  # nine in Berlin


@pytest.mark.parametrize(
    ("today", "title"),
    [
        ("2026-01-28", None),
        ("2026-01-29", "Rent is due in 3 days"),
        ("2026-01-30", None),
        ("2026-01-31", "Rent is due tomorrow"),
        ("2026-02-01", "Rent is due today"),
        ("2026-02-02", "Rent was due yesterday"),
        ("2026-02-03", None),
        ("2026-02-08", "Rent was due 7 days ago"),
        ("2026-02-09", None),
    ],
)
def test_a_member_is_reminded_of_a_bill_on_the_days_around_it(
    database: Engine, today: str, title: str | None
) -> None:
    home.move_in().bill(DUE)
    home.remind(f"{today}T08:00:00+00:00")
    assert home.titles() == ([title] if title else [])


def test_a_reminder_says_what_is_due_and_when(database: Engine) -> None:
    flat = home.move_in(name="Flat 7")
    rent = flat.bill(DUE, amount=123_456)
    home.remind("2026-01-31T08:00:00+00:00")
    [told] = people.notifications()
    assert told.type == "bill_reminder"
    assert told.body == "1,234.56 EUR for Rent of Flat 7 is due on 1 February 2026."
    assert told.key == f"bill:{rent}:2026-02-01:{flat.members[0]}:1"
    assert told.data == {
        "household_id": flat.id,
        "bill_id": rent,
        "due": "2026-02-01",
        "amount": 123_456,
        "currency": "EUR",
    }


def test_an_overdue_reminder_says_that_it_was_due(database: Engine) -> None:
    home.move_in().bill(DUE)
    home.remind("2026-02-02T08:00:00+00:00")
    assert people.notifications()[0].body == (
        "800.00 EUR for Rent of Home was due on 1 February 2026 and is not marked as paid."
    )


def test_each_reminder_is_sent_once_however_often_it_is_run(database: Engine) -> None:
    home.move_in().bill(DUE)
    assert (home.remind(MORNING).sent, home.remind(MORNING).sent) == (1, 0)
    for hour in range(8, 24):
        home.remind(f"2026-02-01T{hour:02}:15:00+00:00")
    assert home.titles().count("Rent is due today") == 1


def test_a_bill_that_pays_itself_is_told_of_on_its_eve_only(database: Engine) -> None:
    home.move_in().bill(DUE, autopay=True)
    day = datetime(2026, 1, 25, 12, tzinfo=UTC)
    for _ in range(20):
        home.remind(day.isoformat())
        day += timedelta(days=1)
    assert home.titles() == ["Rent will be paid automatically tomorrow"]
    assert "will be paid automatically on 1 February 2026" in people.notifications()[0].body


def test_every_member_is_told(database: Engine) -> None:
    flat = home.move_in()
    flat.join(name="Ben")
    flat.bill(DUE)
    home.move_in().bill(date(2026, 3, 1))
    assert home.remind(MORNING).sent == 2
    assert {user for user, _ in home.told()} == set(flat.members)


@pytest.mark.parametrize(
    ("timezone", "nine"),
    [
        ("UTC", "2026-02-01T09:00"),
        ("Europe/Berlin", "2026-02-01T08:00"),
        ("Asia/Kathmandu", "2026-02-01T03:15"),
        ("America/St_Johns", "2026-02-01T12:30"),
        ("Pacific/Kiritimati", "2026-01-31T19:00"),
        ("Pacific/Niue", "2026-02-01T20:00"),
        ("Pacific/Chatham", "2026-01-31T19:15"),
    ],
)
def test_members_are_told_at_nine_by_their_own_clock(database: Engine, timezone: str, nine: str) -> None:
    home.move_in(timezone=timezone).bill(DUE, rule=BillRule.ONCE)
    moment = datetime.fromisoformat(f"{nine}+00:00")
    # What is due on the day is told at nine of that day, so of the days before nothing is said here.
    home.remind((moment - timedelta(minutes=15)).isoformat())
    assert "Rent is due today" not in home.titles()
    home.remind(moment.isoformat())
    assert home.titles().count("Rent is due today") == 1


@pytest.mark.parametrize(
    ("timezone", "due", "nine"),
    [
        # The day before the change, the day of it, and the day after: to summer, and back.
        ("Europe/Berlin", "2026-03-28", "2026-03-28T08:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-29T07:00"),
        ("Europe/Berlin", "2026-03-30", "2026-03-30T07:00"),
        ("Europe/Berlin", "2026-10-24", "2026-10-24T07:00"),
        ("Europe/Berlin", "2026-10-25", "2026-10-25T08:00"),
        ("Europe/Berlin", "2026-10-26", "2026-10-26T08:00"),
        ("America/St_Johns", "2026-03-07", "2026-03-07T12:30"),
        ("America/St_Johns", "2026-03-08", "2026-03-08T11:30"),
        ("America/St_Johns", "2026-10-31", "2026-10-31T11:30"),
        ("America/St_Johns", "2026-11-01", "2026-11-01T12:30"),
    ],
)
def test_nine_stays_nine_when_the_clocks_change(database: Engine, timezone: str, due: str, nine: str) -> None:
    home.move_in(timezone=timezone).bill(date.fromisoformat(due))
    moment = datetime.fromisoformat(f"{nine}+00:00")
    for quarters in (-4, -1):
        home.remind((moment + timedelta(minutes=15 * quarters)).isoformat())
    assert "Rent is due today" not in home.titles()
    for quarters in (0, 1, 4, 8):
        home.remind((moment + timedelta(minutes=15 * quarters)).isoformat())
    assert home.titles().count("Rent is due today") == 1


def test_members_in_different_zones_are_told_by_their_own_days(database: Engine) -> None:
    flat = home.move_in(timezone="Pacific/Kiritimati")  # nine of the 1st there, a day ahead of Niue
    flat.join(name="Ben", timezone="Pacific/Niue")
    flat.join(name="Cleo", timezone="Europe/Berlin")
    flat.bill(DUE)
    home.remind("2026-01-31T20:00:00+00:00")
    assert home.told() == [
        (flat.members[0], "Rent is due today"),
        (flat.members[1], "Rent is due tomorrow"),
        (flat.members[2], "Rent is due tomorrow"),
    ]


def test_what_an_outage_delayed_is_told_in_the_rest_of_the_day(database: Engine) -> None:
    home.move_in().bill(DUE)
    home.remind("2026-02-01T22:45:00+00:00")  # 23:45 in Berlin
    assert home.titles() == ["Rent is due today"]


def test_a_day_that_was_missed_is_not_made_up_for(database: Engine) -> None:
    home.move_in().bill(DUE)
    home.remind("2026-02-01T23:15:00+00:00")  # a quarter past midnight
    assert home.titles() == []


def test_a_paid_bill_reminds_of_its_next_date(database: Engine) -> None:
    flat = home.move_in()
    rent = flat.bill(DUE)
    home.remind(MORNING)
    with transaction() as session:
        session.execute(update(Bill).where(Bill.id == rent).values(next_due=date(2026, 3, 1)))
    home.remind("2026-02-02T08:00:00+00:00")
    home.remind("2026-03-01T08:00:00+00:00")
    assert home.titles() == ["Rent is due today", "Rent is due today"]


def test_a_zone_that_no_host_knows_is_taken_for_utc(database: Engine) -> None:
    flat = home.move_in()
    with transaction() as session:
        session.execute(update(User).where(User.id == flat.members[0]).values(timezone="Mars/Olympus"))
    flat.bill(DUE)
    home.remind(MORNING)
    assert home.titles() == []
    home.remind("2026-02-01T09:00:00+00:00")
    assert home.titles() == ["Rent is due today"]


def test_many_reminders_come_in_chunks_and_each_once(database: Engine) -> None:
    flat = home.move_in()
    flat.join(name="Ben")
    home.add_rows(
        Bill,
        [
            {
                "household_id": flat.id,
                "name": f"Bill {number}",
                "amount": 100,
                "currency": "EUR",
                "rule": "monthly",
                "due_day": 1,
                "next_due": DUE,
                "autopay": False,
            }
            for number in range(60)
        ],
    )
    # An odd size, so that chunks end between the members of one bill.
    assert home.remind(MORNING, chunk=7).sent == 120
    assert len({one.key for one in people.notifications()}) == 120
    assert (home.remind(MORNING, chunk=11).due, home.remind(MORNING).sent) == (120, 0)
