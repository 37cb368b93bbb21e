from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.domains.accounts.models import User
from app.domains.billing.summaries.daily import send_daily_summaries
from tests.checkpoints import flushing
from tests.domains.billing.time_capture import workplace
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: Five in the afternoon in Berlin.
FIVE = "2026-02-03 16:00"


def tell(now: str) -> int:
    with transaction() as session:
        return send_daily_summaries(session, now=workplace.at(now), commit=flushing(session)).sent


def test_a_day_is_told_at_five_with_hours_entries_and_issues(database: Engine) -> None:
    place, other = workplace.found_tenant(name="Acme"), workplace.found_tenant(name="شركة <b>")
    worker = place.members[0]
    other.join(user_id=worker)
    late = place.work("2026-02-03 07:00", "2026-02-03 15:30")
    place.work("2026-02-03 08:00", "2026-02-03 08:15", state="rejected")
    other.work("2026-02-03 06:00", "2026-02-03 06:20", user_id=worker)
    workplace.validate("2026-02-03 15:45")
    assert tell("2026-02-03 15:59") == 0
    assert tell(FIVE) == 1
    [told] = people.notifications()
    assert (told.user_id, told.type, told.title) == (worker, "daily_summary", "Your day: 8 h 50 min")
    assert told.body == (
        "On Tuesday, 3 February 2026, you recorded 8 h 50 min in 2 entries.\n"
        "- Acme: 8 h 30 min\n- شركة <b>: 0 h 20 min\n1 issue is open:\n"
        f"- Entry {late}: It took 8 h 30 min, which is more than 8 hours: check when it ended, or split it."
    )
    assert told.data == {"date": "2026-02-03", "seconds": 31_800, "entries": 2, "issues": 1}


def test_a_day_is_told_once(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-03 07:00", "2026-02-03 08:00")
    place.work("2026-02-04 07:00", "2026-02-04 08:00")
    told = [tell(f"2026-02-0{day} {hour}:00") for day in (3, 4) for hour in (15, 16, 17, 22)]
    assert told == [0, 1, 0, 0, 0, 1, 0, 0]


def test_whoever_did_nothing_and_has_no_issues_is_left_alone(database: Engine) -> None:
    workplace.found_tenant()
    assert tell(FIVE) == 0


def test_issues_are_told_of_on_a_day_without_work_and_the_first_written_out(database: Engine) -> None:
    place = workplace.found_tenant()
    for hour in range(8):
        place.work(f"2026-02-02 {hour + 6:02}:00", f"2026-02-02 {hour + 6:02}:45", description="")
    workplace.validate("2026-02-02 20:00")
    tell(FIVE)
    lines = people.notifications()[0].body.splitlines()
    assert lines[0] == "On Tuesday, 3 February 2026, you recorded 0 h 00 min in 0 entries."
    assert lines[1] == "8 issues are open:"
    assert (len(lines), lines[-1]) == (8, "- and 3 more")


@pytest.mark.parametrize(
    ("timezone", "five"),
    [
        ("Pacific/Kiritimati", "2026-02-03 03:00"),
        ("Asia/Kathmandu", "2026-02-03 11:15"),
        ("America/St_Johns", "2026-02-03 20:30"),
        ("Mars/Olympus", "2026-02-03 17:00"),
    ],
)
def test_five_is_by_the_users_own_clock(database: Engine, timezone: str, five: str) -> None:
    place = workplace.found_tenant()
    with transaction() as session:
        session.execute(update(User).values(timezone=timezone))
    place.work("2026-02-03 01:00", "2026-02-03 02:00")
    tell(five)
    assert [one.title for one in people.notifications()] == ["Your day: 1 h 00 min"]


def test_nobody_is_told_who_may_not_sign_in(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-03 07:00", "2026-02-03 08:00")
    with transaction() as session:
        session.execute(update(User).values(disabled_at=workplace.MADE))
    assert tell(FIVE) == 0
