"""Entries are made and changed while nobody decided on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import reading, transaction
from app.domains.billing import clients
from app.domains.billing.charging.errors import EndBeforeStart, EntryTooLong, YearNotAllowed
from app.domains.billing.errors import ClientEnded, NotAMember, ProjectNotFound
from app.domains.billing.models import Role
from app.domains.billing.time_capture import entries
from app.domains.billing.time_capture.entries import Work
from app.domains.billing.time_capture.errors import (
    EntryDecided,
    EntryNotFound,
    ProjectOfAnotherTenant,
    WorkerMissing,
)
from app.domains.billing.time_capture.models import EntryState
from app.values.timezones import UnknownTimezone
from tests.domains.billing import trade
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.domains.billing.time_capture.models import TimeEntry
    from tests.domains.billing.trade import Trade

ONE = pytest.mark.databases("sqlite")
NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def made(database: Engine) -> Trade:
    return trade.set_up()


def work(**changed: Any) -> Work:
    usual: dict[str, Any] = {
        "started_at": "2026-03-02T09:00",
        "ended_at": "2026-03-02T17:30",
        "timezone": None,
        "description": "Plans",
    }
    return Work(**usual | changed)


def create(
    made: Trade, told: Work, *, user_id: int | None, only_user: int | None = None, project: int | None = None
) -> TimeEntry:
    with transaction() as session:
        return entries.create(
            session,
            project_id=project or made.project,
            work=told,
            user_id=user_id,
            only_user=only_user,
            now=NOW,
        )


def change(entry_id: int, told: Work, *, project: int | None = None) -> TimeEntry:
    with transaction() as session:
        later = NOW + timedelta(days=1)
        return entries.change(session, entry_id=entry_id, project_id=project, work=told, now=later)


def stored(entry_id: int) -> TimeEntry:
    with reading() as session:
        return entries.entry(session, entry_id=entry_id)


def test_times_without_an_offset_are_by_the_worker_s_clock(made: Trade) -> None:
    ann = made.join(name="Ann", timezone="America/New_York")
    found = stored(create(made, work(), user_id=ann).id)
    assert (found.started_at, found.ended_at) == (
        datetime(2026, 3, 2, 14, tzinfo=UTC),
        datetime(2026, 3, 2, 22, 30, tzinfo=UTC),
    )
    assert (found.timezone, found.state, found.source) == ("America/New_York", "pending", "manual")
    assert (found.description, found.created_at, found.external_key) == ("Plans", NOW, None)
    given = stored(create(made, work(timezone="Asia/Tokyo"), user_id=ann).id)
    assert (given.timezone, given.started_at.hour) == ("Asia/Tokyo", 0)


def test_nights_in_which_clocks_change_are_as_long_as_they_were(made: Trade) -> None:
    for day, hours in (("2026-03-28", 8), ("2026-10-24", 10)):
        start = datetime.fromisoformat(f"{day}T22:00")
        night = work(started_at=f"{day}T22:00", ended_at=f"{start + timedelta(hours=9)}")
        found = stored(create(made, night, user_id=made.admin).id)
        assert found.ended_at - found.started_at == timedelta(hours=hours)


@ONE
@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"ended_at": "2026-03-02T08:59"}, EndBeforeStart, "entry starts at 2026-03-02T08:00:00+00:00 and"),
        ({"ended_at": "2026-04-02T17:00"}, EntryTooLong, "entry is 751 hours long"),
        ({"started_at": "1969-12-31T23:59"}, YearNotAllowed, "start of the entry is in the year 1969"),
        ({"ended_at": "9999-12-31T23:59"}, YearNotAllowed, "end of the entry is in the year 9999"),
        ({"timezone": "Mars/Base"}, UnknownTimezone, "Mars/Base"),
    ],
)
def test_what_nobody_worked(made: Trade, changed: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says.replace("+", r"\+")):
        create(made, work(**changed), user_id=made.admin)
    entry_id = made.add_entry()
    before = vars(stored(entry_id))
    with pytest.raises(error):
        change(entry_id, work(**changed))
    assert stored(entry_id).started_at == before["started_at"]


@ONE
def test_who_may_say_who_worked(made: Trade) -> None:
    cleo, dora, stranger = made.join(), made.join(Role.ADMIN), people.add_user()
    with pytest.raises(WorkerMissing, match="name a member of the tenant in user_id"):
        create(made, work(), user_id=None)
    for user_id, only_user in ((cleo, cleo), (cleo, dora), (dora, dora), (cleo, None)):
        assert create(made, work(), user_id=user_id, only_user=only_user).user_id == user_id
    for user_id, only_user in ((dora, cleo), (stranger, dora), (stranger, None), (4711, cleo)):
        with pytest.raises(NotAMember, match=f"User {user_id} is no member"):
            create(made, work(), user_id=user_id, only_user=only_user)


@ONE
def test_no_time_is_entered_for_a_client_that_ended(made: Trade) -> None:
    other = made.add_project("Open", client=made.add_client())
    entry_id = made.add_entry(project_id=other)
    with transaction() as session:
        clients.end(session, client_id=made.client, now=NOW)
    with pytest.raises(ClientEnded):
        create(made, work(), user_id=made.admin)
    with pytest.raises(ClientEnded):
        change(entry_id, work(), project=made.project)
    with pytest.raises(ProjectNotFound):
        create(made, work(), user_id=made.admin, project=4711)


def test_a_pending_entry_is_changed_and_keeps_its_worker(made: Trade) -> None:
    ann = made.join(timezone="America/New_York")
    entry_id = made.add_entry(worker=ann)
    other = made.add_project("Other")
    change(entry_id, work(started_at="2026-03-03T09:00", ended_at="2026-03-03T09:00"), project=other)
    found = stored(entry_id)
    assert (found.user_id, found.project_id, found.timezone) == (ann, other, "America/New_York")
    assert found.started_at == found.ended_at == datetime(2026, 3, 3, 14, tzinfo=UTC)
    assert (found.created_at, found.changed_at) == (trade.MADE, NOW + timedelta(days=1))
    change(entry_id, work())
    assert stored(entry_id).project_id == other


@pytest.mark.parametrize("state", [EntryState.APPROVED, EntryState.REJECTED, EntryState.BILLED])
def test_what_was_decided_stays_as_it_is(made: Trade, state: EntryState) -> None:
    entry_id = made.add_entry(state=state)
    with pytest.raises(EntryDecided, match=f"Entry {entry_id} is {state} and stays as it is"):
        change(entry_id, work())
    assert stored(entry_id).description == "Work"


@ONE
def test_an_entry_moves_between_projects_of_its_tenant_alone(made: Trade) -> None:
    entry_id = made.add_entry()
    for project in (trade.set_up(name="Else").project, 4711):
        with pytest.raises(ProjectOfAnotherTenant, match=f"no project with the id {project}"):
            change(entry_id, work(), project=project)
    with pytest.raises(EntryNotFound):
        change(4711, work())
