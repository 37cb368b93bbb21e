from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from app.db.sessions import transaction
from app.domains.accounts.errors import UserNotFound
from app.domains.notifications import service
from app.domains.notifications.facts import Notice
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import State
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

EMAIL, PUSH = "notifications.deliver_email", "notifications.deliver_push"
NIGHT = {"start": "22:00", "end": "07:00"}


def test_a_notification_is_in_the_inbox_at_once_and_its_mail_is_a_job(database: Engine) -> None:
    told = people.tell(people.add_user(), data={"bill_id": 7})
    [notification] = people.notifications()
    assert (notification.in_inbox, notification.read_at, notification.data) == (True, None, {"bill_id": 7})
    assert people.states(told) == {"in_app": "sent", "email": "waiting"}
    [job] = people.jobs_of(EMAIL)
    assert (job.key, job.kwargs) == (f"notification:{told}:email", {"notification_id": told})
    assert people.jobs_of(PUSH) == []


def test_each_carrier_is_a_task() -> None:
    assert set(service.CARRIERS.values()) <= set(declared())


def test_one_key_is_one_notification(database: Engine) -> None:
    user = people.add_user()
    first = people.tell(user, key="bill:1")
    assert people.tell(user, key="bill:1", title="Another") == first
    assert [one.title for one in people.notifications()] == ["Rent is due"]
    assert len(people.jobs_of(EMAIL)) == 1


def test_the_same_told_by_many_at_once_is_told_once(database: Engine) -> None:
    user = people.add_user()
    together = Barrier(4)

    def tell(_: int) -> int:
        together.wait()
        return people.tell(user, key="bill:1")

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(tell, range(4)))) == 1
    assert len(people.notifications()) == 1
    assert len(people.jobs_of(EMAIL)) == 1


def test_many_are_told_with_as_many_statements_as_one(database: Engine) -> None:
    user = people.add_user()
    counts = []
    for size in (1, 200):
        statements: list[str] = []
        event.listen(database, "before_cursor_execute", lambda *given, seen=statements: seen.append(given[2]))
        notices = [
            Notice(key=f"{size}:{number}", user_id=user, type="t", title="T", body="B")
            for number in range(size)
        ]
        with transaction() as session:
            told = service.notify_all(session, notices, now=people.NOON)
        assert len(told.new) == size
        counts.append(len(statements))
    assert counts[1] <= counts[0] + 1


def test_a_key_that_comes_twice_in_one_go_is_told_once_as_it_came_first(database: Engine) -> None:
    user = people.add_user()
    notices = [Notice(key="k", user_id=user, type="t", title=title, body="B") for title in ("1", "2")]
    with transaction() as session:
        assert service.notify_all(session, notices, now=people.NOON).new == {"k"}
    assert [one.title for one in people.notifications()] == ["1"]


def test_nothing_is_told_when_the_caller_rolls_back(database: Engine) -> None:
    user = people.add_user()
    with transaction() as session:
        service.notify(session, key="k", user_id=user, type="t", title="T", body="B", now=people.NOON)
        session.rollback()
    assert people.notifications() == []
    assert people.jobs_of(EMAIL) == []


def test_an_unknown_user_is_named(database: Engine) -> None:
    with pytest.raises(UserNotFound, match="There is no user with the id 4711"):
        people.tell(4711)


def test_what_the_user_chose_for_a_type_decides(database: Engine) -> None:
    user = people.add_user(channels={"bill_reminder": ["push"], "budget_alert": []})
    assert people.states(people.tell(user, key="a")) == {"push": "waiting"}
    assert people.states(people.tell(user, key="b", type="budget_alert")) == {}
    assert people.states(people.tell(user, key="c", type="other")) == {"email": "waiting", "in_app": "sent"}
    assert [one.in_inbox for one in people.notifications()] == [False, False, True]


def test_a_channel_that_was_asked_for_and_is_not_wanted_says_so(database: Engine) -> None:
    user = people.add_user(channels={"bill_reminder": ["in_app"]})
    told = people.tell(user, channels=["email", "in_app"])
    assert people.states(told) == {"email": "skipped", "in_app": "sent"}
    assert "does not want" in (people.channels(told)["email"].reason or "")
    assert people.jobs_of(EMAIL) == []


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        ("2026-01-31T21:30:00+00:00", "2026-02-01T06:00:00+00:00"),  # 22:30 in Berlin
        ("2026-02-01T05:59:00+00:00", "2026-02-01T06:00:00+00:00"),
        ("2026-02-01T06:00:00+00:00", None),
        ("2026-03-28T22:00:00+00:00", "2026-03-29T05:00:00+00:00"),  # an hour is left out in that night
        ("2026-10-24T21:00:00+00:00", "2026-10-25T06:00:00+00:00"),  # an hour comes twice in that night
    ],
)
def test_quiet_hours_hold_mail_and_push_back_but_not_the_inbox(
    database: Engine, moment: str, ends: str | None
) -> None:
    user = people.add_user(quiet_hours=NIGHT, channels={"bill_reminder": ["email", "push", "in_app"]})
    now, end = datetime.fromisoformat(moment), ends and datetime.fromisoformat(ends)
    told = people.channels(people.tell(user, now=now))
    assert told["in_app"].state == "sent"
    assert [told[name].not_before for name in ("email", "push", "in_app")] == [end, end, None]
    wait = timedelta() if end is None else datetime.fromisoformat(str(ends)) - now
    for job in (*people.jobs_of(EMAIL), *people.jobs_of(PUSH)):
        assert job.state == (State.SCHEDULED if ends else State.READY)
        assert job.run_at is not None
        assert abs(job.run_at - (datetime.now(UTC) + wait)) < timedelta(seconds=30)
