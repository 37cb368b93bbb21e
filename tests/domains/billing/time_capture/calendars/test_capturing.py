from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, update

from app.db.sessions import transaction
from app.domains.accounts.errors import UserNotFound
from app.domains.accounts.models import User
from app.domains.billing.integrations.models import Integration
from app.domains.billing.models import Client, TenantMember
from app.domains.billing.time_capture import deciding
from app.domains.billing.time_capture.calendars.following import WITHDRAWN
from tests.domains.billing.time_capture import workplace
from tests.domains.billing.time_capture.calendars import diary

if TYPE_CHECKING:
    from sqlalchemy import Engine


def approve(entry_id: int) -> None:
    workplace.change(entry_id, state="approved")


def reopen(entry_id: int) -> None:
    with transaction() as session:
        deciding.reopen(session, entry_id=entry_id, now=workplace.at(diary.NOW))


def test_an_event_that_is_over_becomes_a_pending_entry(database: Engine) -> None:
    calendar = diary.connect()
    calendar.event(title="設計 ✍ Acme")
    assert diary.capture() == {"calendars": 1, "created": 1}
    entry = diary.only()
    assert (entry.user_id, entry.project_id) == (calendar.user_id, calendar.place.project)
    assert (entry.source, entry.state, entry.description) == ("calendar", "pending", "設計 ✍ Acme")
    assert (entry.started_at, entry.ended_at) == (
        workplace.at("2026-02-02 08:00"),
        workplace.at("2026-02-02 09:00"),
    )
    assert entry.timezone == "Europe/Berlin"


def test_a_second_run_finds_nothing_to_do(database: Engine) -> None:
    diary.connect().event()
    diary.capture()
    assert diary.capture() == {"calendars": 1}
    assert len(diary.entries()) == 1


def test_an_event_that_is_told_anew_as_it_was_is_the_same_entry(database: Engine) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    workplace.change(diary.only().id, description="Written by hand")
    calendar.tell(told)
    assert diary.capture() == {"calendars": 1, "unchanged": 1}
    assert diary.only().description == "Written by hand"


@pytest.mark.parametrize(
    "facts",
    [
        {"all_day": True},
        {"status": "tentative"},
        {"status": "cancelled"},
        {"attendance": "declined"},
        {"attendance": "tentative"},
        {"attendance": "unanswered"},
        {"is_deleted": True},
    ],
)
def test_what_takes_no_time_of_the_person_is_no_entry(database: Engine, facts: dict[str, Any]) -> None:
    calendar = diary.connect()
    calendar.event(**facts)
    assert diary.capture() == {"calendars": 1, "unchanged": 1}
    assert (diary.entries(), diary.uncaptured()) == ([], 0)


def test_what_is_not_over_waits(database: Engine) -> None:
    diary.connect().event("08:00", "09:00")
    assert diary.capture("2026-02-02 08:59") == {"calendars": 1, "waiting": 1}
    assert diary.entries() == []
    assert diary.capture("2026-02-02 09:00") == {"calendars": 1, "created": 1}


def test_the_first_rule_that_fits_the_title_says_the_project(database: Engine) -> None:
    calendar = diary.connect()
    calendar.map({"straße": calendar.place.unpaid, "acme": calendar.place.project})
    for title in ("ACME in the STRASSE", "Acme", "Dentist"):
        calendar.event(title=title)
    assert diary.capture() == {"calendars": 1, "created": 2, "unchanged": 1}
    assert [one.project_id for one in diary.entries()] == [calendar.place.unpaid, calendar.place.project]


def test_other_rules_count_for_what_was_left_out_and_move_no_entry(database: Engine) -> None:
    calendar = diary.connect()
    calendar.map({"acme": calendar.place.project})
    calendar.event()
    calendar.event("10:00", "11:00", title="Training")
    calendar.event("2025-11-01 10:00", "2025-11-01 11:00", title="Training")
    diary.capture()
    calendar.map({"": calendar.place.unpaid})
    assert diary.capture() == {"calendars": 1, "created": 1, "unchanged": 1}
    assert [one.project_id for one in diary.entries()] == [calendar.place.project, calendar.place.unpaid]


def test_rules_for_projects_one_cannot_work_on_any_more_count_for_nothing(database: Engine) -> None:
    calendar, ended = diary.connect(), diary.connect()
    for one in (calendar, ended):
        one.event()
    with transaction() as session:
        session.execute(delete(TenantMember).where(TenantMember.user_id == calendar.user_id))
        session.execute(update(Client).where(Client.id == ended.place.client).values(ended_at=workplace.MADE))
    assert diary.capture() == {"calendars": 2, "unchanged": 2}


@pytest.mark.parametrize(
    ("facts", "moved"),
    [
        ({"starts_at": workplace.at("2026-02-02 07:30")}, {"started_at": workplace.at("2026-02-02 07:30")}),
        ({"ends_at": workplace.at("2026-02-02 09:30")}, {"ended_at": workplace.at("2026-02-02 09:30")}),
        ({"title": "Acme: review"}, {"description": "Acme: review"}),
    ],
)
def test_a_pending_entry_follows_its_event(
    database: Engine, facts: dict[str, Any], moved: dict[str, Any]
) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    calendar.tell(told, **facts)
    assert diary.capture() == {"calendars": 1, "changed": 1}
    entry = diary.only()
    assert {name: getattr(entry, name) for name in moved} == moved
    assert entry.changed_at == workplace.at(diary.NOW)


def test_other_times_leave_what_was_written_by_hand(database: Engine) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    workplace.change(diary.only().id, description="By hand", project_id=calendar.place.unpaid)
    calendar.tell(told, ends_at=workplace.at("2026-02-02 10:00"))
    diary.capture()
    entry = diary.only()
    assert (entry.description, entry.project_id) == ("By hand", calendar.place.unpaid)
    assert entry.ended_at == workplace.at("2026-02-02 10:00")


def test_another_title_can_mean_another_project_or_none(database: Engine) -> None:
    calendar = diary.connect()
    calendar.map({"acme": calendar.place.project, "training": calendar.place.unpaid})
    told = calendar.event()
    diary.capture()
    calendar.tell(told, title="Training")
    diary.capture()
    assert diary.only().project_id == calendar.place.unpaid
    calendar.tell(told, title="Dentist")
    assert diary.capture() == {"calendars": 1, "withdrawn": 1}


@pytest.mark.parametrize("facts", [{"is_deleted": True}, {"attendance": "declined"}, {"status": "cancelled"}])
def test_an_entry_is_withdrawn_with_its_event_and_comes_back_with_it(
    database: Engine, facts: dict[str, Any]
) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    calendar.tell(told, **facts)
    assert diary.capture() == {"calendars": 1, "withdrawn": 1}
    entry = diary.only()
    assert (entry.state, entry.reason, entry.decided_by) == ("rejected", WITHDRAWN, None)
    calendar.tell(told, **facts)
    assert diary.capture() == {"calendars": 1, "unchanged": 1}
    calendar.tell(told, is_deleted=False, attendance="organizer", status="confirmed")
    assert diary.capture() == {"calendars": 1, "changed": 1}
    assert (diary.only().state, diary.only().reason) == ("pending", None)


def test_an_event_that_is_put_off_takes_its_entry_along(database: Engine) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    later = {"starts_at": workplace.at("2026-02-05 08:00"), "ends_at": workplace.at("2026-02-05 09:00")}
    calendar.tell(told, **later)
    diary.capture()
    assert diary.only().state == "rejected"
    assert diary.capture("2026-02-05 09:10") == {"calendars": 1, "changed": 1}
    assert (diary.only().state, diary.only().started_at) == ("pending", later["starts_at"])


def test_what_a_person_rejected_stays_rejected(database: Engine) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    workplace.change(diary.only().id, state="rejected", reason="Lunch")
    calendar.tell(told, title="Acme: planning again")
    assert diary.capture() == {"calendars": 1, "unchanged": 1}
    assert (diary.only().state, diary.only().reason) == ("rejected", "Lunch")


@pytest.mark.parametrize("state", ["approved", "billed"])
@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"is_deleted": True}, "does not take place any more"),
        ({"attendance": "declined"}, "not with this person"),
        ({"ends_at": workplace.at("2026-02-02 09:30")}, "from 2026-02-02 08:00 to 2026-02-02 09:30 UTC"),
        ({"title": "Acme \u202e review"}, 'now "Acme \\u202e review"'),
    ],
)
def test_what_was_decided_stays_and_the_change_is_an_issue(
    database: Engine, state: str, facts: dict[str, Any], says: str
) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    workplace.change(diary.only().id, state=state)
    before = diary.only()
    calendar.tell(told, **facts)
    assert diary.capture() == {"calendars": 1, "flagged": 1}
    calendar.tell(told, **facts)
    assert diary.capture() == {"calendars": 1, "unchanged": 1}
    after = diary.only()
    assert (after.state, after.ended_at, after.description) == (state, before.ended_at, before.description)
    [issue] = workplace.issues()
    assert (issue.entry_id, issue.kind) == (after.id, "changed_at_source")
    assert says in issue.sentence


def test_the_issue_is_closed_when_the_event_is_as_it_was(database: Engine) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    approve(diary.only().id)
    calendar.tell(told, title="Other")
    diary.capture()
    calendar.tell(told, title="Acme: planning")
    diary.capture()
    assert workplace.issues() == []


def test_an_entry_that_is_reopened_follows_its_event_and_its_issue_is_closed(database: Engine) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    approve(diary.only().id)
    calendar.tell(told, ends_at=workplace.at("2026-02-02 09:30"))
    diary.capture()
    reopen(diary.only().id)
    assert diary.capture() == {"calendars": 1, "changed": 1}
    assert diary.only().ended_at == workplace.at("2026-02-02 09:30")
    assert workplace.issues() == []
    assert diary.uncaptured() == 0


def test_an_approved_event_that_is_told_anew_as_it_was_is_no_issue(database: Engine) -> None:
    calendar = diary.connect()
    told = calendar.event()
    diary.capture()
    approve(diary.only().id)
    calendar.tell(told)
    assert diary.capture() == {"calendars": 1, "unchanged": 1}
    assert workplace.issues() == []


def test_a_calendar_that_is_connected_anew_makes_no_second_entry(database: Engine) -> None:
    calendar = diary.connect(account="me@example.org")
    calendar.event(event_id="standup")
    diary.capture()
    with transaction() as session:
        session.execute(delete(Integration))
    again = diary.connect(place=calendar.place, account="me@example.org")
    again.event(event_id="standup")
    assert diary.capture() == {"calendars": 1, "unchanged": 1}
    assert len(diary.entries()) == 1


def test_events_of_the_same_name_are_others_in_other_calendars(database: Engine) -> None:
    first, second = diary.connect(), diary.connect()
    for one in (first, second):
        one.event(event_id="standup")
    outlook = diary.integration(first.user_id, provider="outlook")
    diary.Diary(id=outlook, user_id=first.user_id, place=first.place).event(event_id="standup")
    assert diary.capture() == {"calendars": 3, "created": 3}


def test_slack_is_no_calendar(database: Engine) -> None:
    calendar = diary.connect()
    with transaction() as session:
        session.execute(update(Integration).values(provider="slack"))
    calendar.event()
    assert diary.capture() == {}


def test_one_users_calendars_are_worked_off_on_demand(database: Engine) -> None:
    first, second = diary.connect(), diary.connect()
    for one in (first, second):
        one.event()
    assert diary.capture(user_id=second.user_id) == {"calendars": 1, "created": 1}
    with pytest.raises(UserNotFound):
        diary.capture(user_id=4711)


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("2025-12-01 08:00", "2026-02-01 08:00", "1488 hours"),
        ("1969-12-31 08:00", "1969-12-31 09:00", "1969"),
        ("09:00", "08:00", "before"),
    ],
)
def test_an_event_that_can_be_no_entry_is_set_aside_and_stops_no_other(
    database: Engine, start: str, end: str, says: str
) -> None:
    calendar = diary.connect()
    bad = calendar.event(start, end)
    calendar.event()
    done = diary.capture()
    assert (done["created"], done["set_aside"]) == (1, 1)
    assert done["named"][0].startswith(f"Event {bad} is set aside: ")
    assert says in done["named"][0]
    assert diary.capture() == {"calendars": 1}


def test_a_zone_that_this_host_does_not_know_is_taken_for_utc(database: Engine) -> None:
    diary.connect().event()
    with transaction() as session:
        session.execute(update(User).values(timezone="Mars/Olympus"))
    assert diary.capture()["created"] == 1
    assert diary.only().timezone == "UTC"


def test_many_events_come_in_chunks_and_each_once(database: Engine) -> None:
    calendar = diary.connect()
    for number in range(25):
        calendar.event(f"2026-01-{number + 1:02} 08:00", f"2026-01-{number + 1:02} 09:00")
    calendar.event("2026-03-01 08:00", "2026-03-01 09:00")
    assert diary.capture(chunk=4) == {"calendars": 1, "created": 25, "waiting": 1}
    assert len({one.started_at for one in diary.entries()}) == 25


@pytest.mark.databases("postgresql")  # SQLite has one writer
def test_runs_at_the_same_time_make_one_entry(database: Engine) -> None:
    diary.connect().event()
    ran: list[Any] = []

    # While the first one has the event, the second leaves it alone.
    def before(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT INTO time_entry") and not ran:
            ran.append(diary.capture())

    event.listen(database, "before_cursor_execute", before)
    try:
        assert diary.capture() == {"calendars": 1, "created": 1}
    finally:
        event.remove(database, "before_cursor_execute", before)
    assert ran == [{"calendars": 1}]
    assert len(diary.entries()) == 1
