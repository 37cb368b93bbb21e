"""What users do is counted by the hour, once, however often and however late."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.clock import now
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.accounts.errors import UserNotFound
from app.domains.accounts.models import User
from app.domains.audit import service as audit
from app.domains.notifications import service as notifications
from app.domains.stats import service
from app.domains.stats.models import UserStat
from app.settings.config import settings
from tests.checkpoints import committing
from tests.domains.audit.log import NANOSECONDS, record
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

HOUR = 3_600


@pytest.fixture(autouse=True)
def _on_a_database(database: Engine) -> None:
    assert database


@pytest.fixture
def user() -> int:
    return people.add_user()


def hours_ago(number: float) -> int:
    return time.time_ns() - round(number * HOUR * NANOSECONDS)


def operate(user_id: int | None, *, at: int) -> None:
    with transaction() as session:
        audit.write_operations(
            session, [record(at=at, user_id=user_id, arguments={}, status=200, milliseconds=1, left_out=0)]
        )


def sign_in(name: str, *, at: int, user_id: int | None = None, status: str = "success") -> None:
    told = record(at=at, user_id=user_id, user_name=name, status=status, message="")
    with transaction() as session:
        audit.write_logins(session, [{key: told[key] for key in told if key not in ("method", "path")}])


def sync() -> dict[str, int]:
    with transaction() as session:
        return service.sync(session, commit=lambda *_: session.flush())


def rows() -> list[UserStat]:
    with reading() as session:
        return list(session.scalars(select(UserStat).order_by(UserStat.user_id, UserStat.window_at)))


def totals(user_id: int, *, days: int = 30) -> dict[str, Any]:
    with reading() as session:
        found = service.totals(session, user_id=user_id, days=days)
    return {name: getattr(found, name) for name in service.COUNTS}


def test_each_kind_of_thing_is_counted(user: int) -> None:
    with reading() as session:
        email = session.get_one(User, user).email
    for _ in range(3):
        operate(user, at=hours_ago(0.001))
    operate(None, at=hours_ago(0.001))
    sign_in(email, at=hours_ago(2), user_id=user)
    sign_in(email.upper(), at=hours_ago(2), status="failure")
    sign_in(email, at=hours_ago(1), status="failure")
    sign_in("nobody@example.org", at=hours_ago(1), status="failure")
    sync()
    assert totals(user) == {"logins": 1, "failed_logins": 2, "operations": 3, "notifications": 0}
    assert {row.user_id for row in rows()} == {user}


def test_notifications_are_counted_by_whom_they_are_for(user: int) -> None:
    with reading() as session:
        moment = now(session)
    with transaction() as session:
        for key in ("a", "b", "b"):
            notifications.notify(
                session, key=key, user_id=user, type="t", title="T", body="B", channels=["in_app"], now=moment
            )
    sync()
    assert totals(user)["notifications"] == 2


def test_what_is_counted_twice_is_counted_once(user: int) -> None:
    operate(user, at=hours_ago(1))
    sync()
    before = [(row.window_at, row.operations, row.last_seen_at) for row in rows()]
    sync()
    assert [(row.window_at, row.operations, row.last_seen_at) for row in rows()] == before


def test_a_record_that_comes_late_is_counted_where_it_belongs(user: int) -> None:
    operate(user, at=hours_ago(0.001))
    sync()
    operate(user, at=hours_ago(4))
    sync()
    assert totals(user)["operations"] == 2
    assert len(rows()) == 2
    assert rows()[0].window_at < rows()[1].window_at - timedelta(hours=2)


def test_after_an_outage_the_hours_that_nobody_counted_are(user: int) -> None:
    operate(user, at=hours_ago(30))
    with transaction() as session:
        service.count_hour(
            session, (now(session) - timedelta(hours=31)).replace(minute=0, second=0, microsecond=0)
        )
        service.count_hour(
            session, (now(session) - timedelta(hours=30)).replace(minute=0, second=0, microsecond=0)
        )
    operate(user, at=hours_ago(20))
    found = sync()
    assert totals(user)["operations"] == 2
    assert found["windows"] >= 30


def test_an_outage_of_weeks_is_not_counted_hour_by_hour(user: int) -> None:
    with transaction() as session:
        at = now(session) - timedelta(days=60)
        session.add(
            UserStat(user_id=user, window_at=at, **dict.fromkeys(service.COUNTS, 1), last_seen_at=None)
        )
    assert sync()["windows"] <= 7 * 24 + 1


def test_who_was_last_seen_when_is_told_beyond_the_days(user: int) -> None:
    operate(user, at=hours_ago(5))
    sync()
    with reading() as session:
        last = rows()[0].last_seen_at
        assert service.totals(session, user_id=user, days=1).last_seen_at == last


def test_statistics_are_kept_as_long_as_the_logs(user: int) -> None:
    with transaction() as session:
        old = now(session) - timedelta(days=settings().audit_days + 1)
        session.add(
            UserStat(user_id=user, window_at=old, **dict.fromkeys(service.COUNTS, 1), last_seen_at=None)
        )
    assert sync()["deleted"] == 1
    assert rows() == []


def test_a_thousand_users_and_more_are_counted(user: int) -> None:
    with transaction() as session:
        audit.write_operations(
            session,
            [
                record(user_id=number, arguments={}, status=200, milliseconds=1, left_out=0)
                for number in range(1, 1_201)
            ],
        )
    sync()
    assert len(rows()) >= 1_200


def test_a_user_who_is_not_there_is_said_to_be_so() -> None:
    with reading() as session, pytest.raises(UserNotFound):
        service.totals(session, user_id=4711, days=30)


def test_each_hour_is_committed_by_itself(user: int) -> None:
    operate(user, at=hours_ago(1))
    with Session(engine()) as session:
        service.sync(session, commit=committing(session))
    assert totals(user)["operations"] == 1
