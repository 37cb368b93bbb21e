"""What is good for nothing any more is deleted, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.domains.accounts.links import service as links
from app.domains.accounts.links.service import Target
from app.domains.accounts.models import MailedLink, Purpose, RefreshToken, SignInAttempts, SignInSession
from app.domains.accounts.sessions import cleanup, lockout, service
from app.domains.accounts.sessions.lockout import Counted
from app.settings.config import settings
from tests.domains.accounts.people import add_person

if TYPE_CHECKING:
    from sqlalchemy import Engine


def ago(span: timedelta) -> clock:
    return clock(-span.total_seconds())


def change(session_id: str, **values: object) -> None:
    with transaction() as session:
        session.execute(update(SignInSession).where(SignInSession.id == session_id).values(**values))


def forget() -> dict[str, int]:
    with transaction() as session:
        return cleanup.forget_ended(session, commit=lambda _=None: None)


def test_ended_sessions_go_with_their_tokens_and_a_second_run_finds_none(database: Engine) -> None:
    user_id = add_person()
    with transaction() as session:
        for _ in range(4):
            service.start_for_client(session, user_id=user_id, address="203.0.113.9")
        ids = session.scalars(select(SignInSession.id).order_by(SignInSession.id)).all()
    long_ago = timedelta(days=settings().retention_days, minutes=1)
    change(ids[0], expires_at=ago(timedelta(seconds=1)))
    change(ids[1], ended_at=ago(long_ago))
    change(ids[2], ended_at=ago(timedelta(days=1)))
    assert forget() == {"refresh_tokens": 2, "sessions": 2, "links": 0, "attempts": 0}
    assert forget() == {"refresh_tokens": 0, "sessions": 0, "links": 0, "attempts": 0}
    with reading() as session:
        assert set(session.scalars(select(SignInSession.id))) == set(ids[2:])
        assert session.scalar(select(func.count()).select_from(RefreshToken)) == 2


def test_links_go_when_they_have_expired(database: Engine) -> None:
    with transaction() as session:
        for whom in ("old", "new"):
            links.make(session, Target(purpose=Purpose.REGISTRATION, email="eve@example.org"), whom=whom)
        session.execute(
            update(MailedLink).where(MailedLink.id == "registration old").values(expires_at=clock(-1))
        )
    assert [forget()["links"] for _ in range(2)] == [1, 0]


def test_attempts_go_when_they_count_no_longer(database: Engine) -> None:
    for name in ("old", "new"):
        with transaction() as session:
            lockout.count(session, Counted(account=f"account {name}", address=f"address {name}"))
    old = SignInAttempts.id.contains("old")
    with transaction() as session:
        long_ago = ago(lockout.FORGOTTEN_AFTER + timedelta(minutes=1))
        session.execute(update(SignInAttempts).where(old).values(last_at=long_ago))
    assert forget()["attempts"] == 2
    with reading() as session:
        assert set(session.scalars(select(SignInAttempts.id))) == {"account new", "address new"}
