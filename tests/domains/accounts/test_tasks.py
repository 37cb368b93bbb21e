"""The tasks of accounts, run by real workers: each effect once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text, update

from app.celery_app import send_task
from app.db.clock import clock
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.accounts import service
from app.domains.accounts.models import SignInSession
from app.domains.accounts.service import NewUser
from app.domains.accounts.sessions.service import start_for_client
from app.domains.accounts.tasks import cleanup_sessions, send_welcome_email
from app.outbound.deliveries.models import Delivery
from tests.outbound.mail.conftest import smtp
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

__all__ = ["smtp"]
SECONDS = 60


def register() -> int:
    with transaction() as session:
        return service.register(session, NewUser(email="ann@example.org", name="Ann")).id


def test_who_registers_is_welcomed(smtp: MailServer, fleet: Fleet) -> None:
    fleet.start_worker(queues="emails")
    register()
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the mail arrives")
    assert [(mail["To"], mail["Subject"]) for mail in smtp.mails] == [("ann@example.org", "Welcome, Ann")]


def test_a_second_welcome_sends_nothing(smtp: MailServer, fleet: Fleet) -> None:
    fleet.start_worker(queues="emails")
    user_id = register()
    first = send_welcome_email.delay(user_id=user_id).get(timeout=SECONDS)
    assert send_welcome_email.delay(user_id=user_id).get(timeout=SECONDS) == first
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the mail arrives")
    fleet.wait_until_all_ended(seconds=SECONDS)
    assert len(smtp.mails) == 1


def test_who_is_welcomed_by_address_is_the_user_that_has_it(smtp: MailServer, fleet: Fleet) -> None:
    fleet.start_worker(queues="emails")
    user_id = register()
    first = send_welcome_email.delay(user_id=user_id).get(timeout=SECONDS)
    by_path = send_task("app.tasks.email.send_welcome_email", "Ann@Example.org", "Ann Lee")
    assert by_path.get(timeout=SECONDS) == first
    fleet.wait_until_all_ended(seconds=SECONDS)
    assert [(mail["To"], mail["Subject"]) for mail in smtp.mails] == [("ann@example.org", "Welcome, Ann")]


def test_a_worker_that_dies_while_the_mail_leaves_does_not_welcome_twice(
    smtp: MailServer, fleet: Fleet
) -> None:
    held = smtp.hold()
    fleet.start_beat()
    worker = fleet.start_worker("first", queues="emails")
    user_id = register()
    assert held.reached.wait(SECONDS)
    worker.kill()
    held.released.set()
    fleet.start_worker("second", queues="emails")
    send_welcome_email.delay(user_id=user_id).get(timeout=SECONDS)
    fleet.wait_until_all_ended(seconds=SECONDS)
    assert len(smtp.mails) == 1


def test_nobody_is_not_welcomed(smtp: MailServer, fleet: Fleet) -> None:
    fleet.start_worker(queues="emails")
    for nobody, said in (
        ({"user_id": 99}, "no user with the id 99"),
        ({"email": "bob@example.org"}, "no user with the address bob@example.org"),
        ({"email": "bob@example.org, ann@example.org"}, "cannot take these arguments"),
        ({"email": "ann@example.org", "name": "Ann\nBcc: bob@example.org"}, "cannot take these arguments"),
        ({}, "give an `email` or a `user_id`"),
    ):
        with pytest.raises(Exception, match=said):
            send_welcome_email.delay(**nobody).get(timeout=SECONDS)
    assert smtp.mails == []


def test_they_are_called_as_the_sender_says(database: Engine) -> None:
    user_id = register()
    with transaction() as session:
        service.welcome_at(session, email="ann@example.org", name="Ann Lee")
        assert session.scalars(select(Delivery.subject)).one() == "Welcome, Ann Lee"
        assert service.welcome(session, user_id=user_id) == session.scalars(select(Delivery.id)).one()


def three_sessions_of_which_one_is_live() -> None:
    user_id = register()
    with transaction() as session:
        for _ in range(3):
            start_for_client(session, user_id=user_id, address="203.0.113.9")
        live = session.scalars(select(SignInSession.id)).first()
        session.execute(update(SignInSession).where(SignInSession.id != live).values(expires_at=clock(-1)))


def sessions() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(SignInSession)) or 0


def test_sessions_that_have_expired_are_deleted_once(fleet: Fleet) -> None:
    fleet.start_worker(queues="maintenance")
    three_sessions_of_which_one_is_live()
    first, second = (cleanup_sessions.delay().get(timeout=SECONDS) for _ in range(2))
    assert first == {"refresh_tokens": 2, "sessions": 2, "links": 0, "attempts": 0}
    assert second == {"refresh_tokens": 0, "sessions": 0, "links": 0, "attempts": 0}
    assert sessions() == 1


def test_sessions_that_a_worker_was_deleting_when_it_died_are_deleted_by_another(fleet: Fleet) -> None:
    three_sessions_of_which_one_is_live()
    worker = fleet.start_worker("first", queues="maintenance")
    with engine().connect() as other:
        other.execute(text("LOCK TABLE sign_in_session IN SHARE MODE"))
        job = cleanup_sessions.delay()
        wait_until(is_deleting_sessions, seconds=SECONDS, what="the job waits in the middle")
        worker.kill()
    assert sessions() == 3
    fleet.start_beat()
    fleet.start_worker("second", queues="maintenance")
    assert job.get(timeout=SECONDS)["sessions"] == 2
    assert sessions() == 1


def is_deleting_sessions() -> bool:
    waiting = "wait_event_type = 'Lock' AND query LIKE 'DELETE FROM sign_in_session%'"
    with engine().connect() as connection:
        return bool(connection.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}")))
