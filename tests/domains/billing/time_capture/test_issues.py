from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, update

from app.db.sessions import transaction
from app.domains.accounts.errors import UserNotFound
from app.domains.accounts.models import User
from app.domains.billing.time_capture.models import EntryIssue, IssueKind, TimeEntry
from tests.domains.billing.time_capture import workplace

if TYPE_CHECKING:
    from sqlalchemy import Engine

NIGHT = "2026-02-03 01:30"


def day(*spans: tuple[str, str], **facts: Any) -> tuple[workplace.Workplace, list[int]]:
    """A tenant, and what its member worked on 2 February, by UTC."""
    place = workplace.found_tenant()
    return place, [place.work(f"2026-02-02 {start}", f"2026-02-02 {end}", **facts) for start, end in spans]


def test_entries_in_order_have_no_issues(database: Engine) -> None:
    day(("08:00", "12:00"), ("12:30", "16:00"), ("16:00", "16:00"))
    done = workplace.validate(NIGHT)
    assert (done.users, done.opened, done.closed) == (1, 0, 0)


def test_entries_that_overlap_are_one_issue_of_the_later(database: Engine) -> None:
    _, [first, second] = day(("08:00", "10:00"), ("09:15", "11:00"))
    assert workplace.validate(NIGHT).opened == 1
    assert workplace.kinds() == [(second, "overlap", str(first))]
    assert workplace.issues()[0].sentence == (
        f"It overlaps with entry {first} by 0 h 45 min: change the times of one of them."
    )


@pytest.mark.parametrize(
    ("spans", "overlapping"),
    [
        ([("08:00", "12:00"), ("09:00", "10:00"), ("11:00", "13:00")], [(1, 0), (2, 0)]),
        ([("08:00", "09:00"), ("08:00", "09:00")], [(1, 0)]),
        ([("08:00", "09:00"), ("09:00", "10:00")], []),
        ([("08:00", "10:00"), ("09:00", "09:00")], []),
        ([("10:00", "11:00"), ("08:00", "10:30")], [(0, 1)]),
    ],
)
def test_each_entry_overlaps_with_the_one_that_ends_last_of_those_before(
    database: Engine, spans: list[tuple[str, str]], overlapping: list[tuple[int, int]]
) -> None:
    _, ids = day(*spans)
    workplace.validate(NIGHT)
    found = [(entry, key) for entry, kind, key in workplace.kinds() if kind == "overlap"]
    assert found == [(ids[later], str(ids[before])) for later, before in overlapping]


def test_a_billed_entry_is_not_to_be_mended_so_the_other_is(database: Engine) -> None:
    place, [first] = day(("08:00", "10:00"))
    billed = place.work("2026-02-02 09:00", "2026-02-02 19:00", state="billed", description="")
    place.work("2026-02-02 20:00", "2026-02-02 21:00", state="billed")
    workplace.validate(NIGHT)
    assert workplace.kinds() == [(first, "overlap", str(billed))]


@pytest.mark.parametrize(("end", "opened"), [("16:00", 0), ("16:01", 1)])
def test_more_than_eight_hours_are_too_long(database: Engine, end: str, opened: int) -> None:
    _, [entry] = day(("08:00", end))
    workplace.validate(NIGHT)
    assert workplace.kinds() == [(entry, "too_long", "")] * opened


@pytest.mark.parametrize(("start", "opened"), [("10:30", 0), ("10:31", 1)])
def test_more_than_half_an_hour_between_entries_is_a_gap(database: Engine, start: str, opened: int) -> None:
    _, [first, second] = day(("08:00", "10:00"), (start, "12:00"))
    workplace.validate(NIGHT)
    assert workplace.kinds() == [(second, "gap", str(first))] * opened


@pytest.mark.parametrize(
    ("first", "second", "opened"),
    [
        # To midnight in Berlin, and from the next morning on.
        (("2026-02-01 20:00", "2026-02-01 23:00"), ("2026-02-02 08:00", "2026-02-02 09:00"), 0),
        # A minute longer, and the first one reaches into the second day.
        (("2026-02-01 20:00", "2026-02-01 23:01"), ("2026-02-02 08:00", "2026-02-02 09:00"), 1),
        # The hour that clocks skip is no gap.
        (("2026-03-29 00:00", "2026-03-29 00:50"), ("2026-03-29 01:10", "2026-03-29 02:00"), 0),
    ],
)
def test_a_gap_is_within_a_day_of_the_workers_clock(
    database: Engine, first: tuple[str, str], second: tuple[str, str], opened: int
) -> None:
    place = workplace.found_tenant()
    place.work(*first)
    place.work(*second)
    workplace.validate(f"{second[0][:10]} 20:00")
    assert len(workplace.kinds()) == opened


@pytest.mark.parametrize(
    ("description", "is_one"),
    [
        ("", False),
        (" \t\n", False),
        ("\u200b\u200e", False),
        ("\u00a0\u2003", False),
        ("日本語", True),
        ("שלום", True),
        ("नमस्ते", True),
        ("🛠", True),
        ("?", True),
        ("x" * 100_000, True),
    ],
)
def test_what_nobody_can_see_describes_nothing(database: Engine, description: str, is_one: bool) -> None:
    _, [entry] = day(("08:00", "10:00"), description=description)
    workplace.validate(NIGHT)
    assert workplace.kinds() == ([] if is_one else [(entry, "no_description", "")])


def test_a_second_run_makes_nothing_new(database: Engine) -> None:
    day(("08:00", "17:00"), ("09:00", "10:00"), ("18:00", "19:00"), description="")
    opened = workplace.validate(NIGHT).opened
    assert opened == 6
    again = workplace.validate(NIGHT)
    assert (again.opened, again.closed) == (0, 0)
    assert len(workplace.issues(closed=True)) == 6


def test_what_is_mended_is_closed_and_what_comes_back_is_another(database: Engine) -> None:
    _, [entry] = day(("08:00", "10:00"), description="")
    workplace.validate(NIGHT)
    workplace.change(entry, description="Work")
    assert workplace.validate("2026-02-03 02:00").closed == 1
    workplace.change(entry, description=" ")
    workplace.validate("2026-02-03 03:00")
    first, second = workplace.issues(closed=True)
    assert first.closed_at == workplace.at("2026-02-03 02:00")
    assert (second.closed_at, second.opened_at) == (None, workplace.at("2026-02-03 03:00"))


@pytest.mark.parametrize("state", ["rejected", "billed"])
def test_what_is_decided_for_good_has_no_issues_any_more(database: Engine, state: str) -> None:
    _, [entry] = day(("08:00", "18:00"), description="")
    workplace.validate(NIGHT)
    workplace.change(entry, state=state)
    assert workplace.validate(NIGHT).closed == 2
    workplace.change(entry, state="approved")
    assert workplace.validate(NIGHT).opened == 2, "a credit note gives it back"


def test_an_issue_goes_with_its_entry(database: Engine) -> None:
    day(("08:00", "18:00"))
    workplace.validate(NIGHT)
    with transaction() as session:
        session.execute(delete(TimeEntry))
    assert workplace.issues(closed=True) == []


def test_issues_that_others_opened_are_left_alone(database: Engine) -> None:
    _, [entry] = day(("08:00", "10:00"))
    for kind in (IssueKind.CHANGED_AT_SOURCE, IssueKind.BILLED_PERIOD):
        workplace.add(
            EntryIssue(entry_id=entry, kind=kind, key="", sentence="It is so.", opened_at=workplace.MADE)
        )
    workplace.validate(NIGHT)
    assert len(workplace.issues()) == 2


def test_an_issue_says_what_is_wrong_by_now(database: Engine) -> None:
    _, [entry] = day(("08:00", "17:00"))
    workplace.validate(NIGHT)
    workplace.change(entry, ended_at=workplace.at("2026-02-02 18:30"))
    again = workplace.validate(NIGHT)
    assert (again.opened, again.closed) == (0, 0)
    assert workplace.issues()[0].sentence.startswith("It took 10 h 30 min")


@pytest.mark.parametrize(("now", "opened"), [("2026-02-09 22:59", 1), ("2026-02-09 23:00", 0)])
def test_the_last_seven_days_are_looked_at(database: Engine, now: str, opened: int) -> None:
    day(("08:00", "18:00"))
    assert workplace.validate(now).opened == opened


def test_an_old_issue_is_closed_whenever_it_is_mended(database: Engine) -> None:
    place, [first, second] = day(("08:00", "10:00"), ("09:00", "11:00"))
    place.work("2026-02-02 10:30", "2026-02-02 12:00")
    workplace.validate(NIGHT)
    assert workplace.validate("2027-02-03 01:30").closed == 0
    workplace.change(first, ended_at=workplace.at("2026-02-02 09:00"))
    workplace.change(second, description="")
    assert workplace.validate("2027-02-03 01:30").closed == 1
    assert [kind for _, kind, _ in workplace.kinds()] == ["overlap"], "nothing new is opened of what is old"


def test_what_is_planned_is_not_looked_at(database: Engine) -> None:
    place = workplace.found_tenant()
    place.work("2026-02-04 08:00", "2026-02-04 20:00", description="")
    assert workplace.validate(NIGHT).opened == 0


def test_tenants_are_looked_at_by_themselves(database: Engine) -> None:
    place, _ = day(("08:00", "10:00"))
    other = workplace.found_tenant()
    other.work("2026-02-02 09:00", "2026-02-02 11:00", user_id=place.members[0])
    assert workplace.validate(NIGHT).opened == 0


def test_one_user_is_looked_at_on_demand(database: Engine) -> None:
    place, _ = day(("08:00", "18:00"))
    other, _ = day(("08:00", "18:00"))
    assert workplace.validate(NIGHT, user_id=other.members[0]).users == 1
    assert len(workplace.issues()) == 1
    with pytest.raises(UserNotFound):
        workplace.validate(NIGHT, user_id=4711)
    assert place.members


def test_nothing_is_no_trouble(database: Engine) -> None:
    assert workplace.validate(NIGHT).users == 0


def test_an_entry_that_cannot_be_read_keeps_its_issues_and_stops_nobody(database: Engine) -> None:
    place, [bad] = day(("08:00", "18:00"))
    day(("08:00", "18:00"))
    workplace.validate(NIGHT)
    workplace.change(bad, timezone="Nowhere/Else")
    with transaction() as session:
        session.execute(update(User).where(User.id == place.members[0]).values(timezone="Nowhere/Else"))
    again = workplace.validate(NIGHT)
    assert (again.opened, again.closed, again.set_aside) == (0, 0, 1)
    assert "Nowhere/Else" in again.named[0]


def test_ten_thousand_entries_at_once_have_as_many_issues_at_most(database: Engine) -> None:
    place = workplace.found_tenant()
    same = place.entry("2026-02-02 08:00", "2026-02-02 09:00")
    workplace.add_entries([same] * 10_000)
    assert workplace.validate(NIGHT).opened == 9_999
    again = workplace.validate(NIGHT)
    assert (again.opened, again.closed) == (0, 0)
    with transaction() as session:
        session.execute(update(TimeEntry).values(state="rejected"))
    assert workplace.validate(NIGHT).closed == 9_999


@pytest.mark.databases("postgresql")  # SQLite has one writer
def test_runs_at_the_same_time_open_an_issue_once(database: Engine) -> None:
    day(("08:00", "18:00"))
    ran: list[bool] = []

    # While the first one is about to write, the second does all of it.
    def before(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT time_entry.id") and not ran and "LIMIT" not in statement:
            ran.append(True)
            workplace.validate(NIGHT)

    event.listen(database, "before_cursor_execute", before)
    try:
        workplace.validate(NIGHT)
    finally:
        event.remove(database, "before_cursor_execute", before)
    assert ran == [True]
    assert len(workplace.issues(closed=True)) == 1
