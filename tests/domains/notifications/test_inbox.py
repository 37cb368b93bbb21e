from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading, transaction
from app.domains.accounts.errors import UserNotFound
from app.domains.notifications import inbox
from app.domains.notifications.errors import NotificationNotFound
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine


def unread(user_id: int) -> tuple[int, int | None]:
    with reading() as session:
        found = inbox.unread(session, user_id=user_id)
    return found.count, found.newest_id


def read(user_id: int, notification_id: int) -> None:
    with transaction() as session:
        inbox.mark_read(session, user_id=user_id, notification_id=notification_id)


def test_what_is_read_is_counted_no_more(database: Engine) -> None:
    user = people.add_user()
    first, second = people.tell(user, key="a"), people.tell(user, key="b")
    assert unread(user) == (2, second)
    read(user, first)
    assert unread(user) == (1, second)


def test_the_first_time_that_one_is_read_counts(database: Engine) -> None:
    user = people.add_user()
    told = people.tell(user)
    read(user, told)
    [before] = people.notifications()
    read(user, told)
    [after] = people.notifications()
    assert before.read_at is not None
    assert before.read_at == after.read_at


def test_all_are_read_up_to_what_was_seen(database: Engine) -> None:
    user, other = people.add_user(), people.add_user()
    ids = [people.tell(user, key=key) for key in "abc"]
    people.tell(other, key="d")
    with transaction() as session:
        assert inbox.mark_all_read(session, user_id=user, upto=ids[1]) == 2
    assert unread(user) == (1, ids[2])
    with transaction() as session:
        assert inbox.mark_all_read(session, user_id=user, upto=None) == 1
    assert unread(user) == (0, ids[2])
    assert unread(other)[0] == 1


def test_what_the_user_does_not_want_in_the_inbox_is_not_there(database: Engine) -> None:
    user = people.add_user(channels={"bill_reminder": ["email"]})
    told = people.tell(user)
    assert unread(user) == (0, None)
    with pytest.raises(NotificationNotFound, match=f"no notification with the id {told}"):
        read(user, told)


def test_nobody_reads_for_another(database: Engine) -> None:
    told = people.tell(people.add_user())
    with pytest.raises(NotificationNotFound):
        read(people.add_user(), told)


def test_an_unknown_user_has_no_inbox(database: Engine) -> None:
    with pytest.raises(UserNotFound):
        unread(4711)
