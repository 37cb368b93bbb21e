"""What accounts holds about people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, cast, func, literal, select

from app.db.clock import now
from app.domains.accounts.models import (
    MailedLink,
    Password,
    RefreshToken,
    SignInAttempts,
    SignInSession,
    User,
)
from app.domains.accounts.roles import Role
from app.domains.accounts.sessions import service as sessions
from app.domains.accounts.sessions.lockout import account_counter
from app.personal_data.declaration import Anonymise, Declaration, Delete, PersonalTable, Stage, Subject
from app.values.email_addresses import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

HASH = "It is the hash of a secret."
#: No mail goes to a name that ends so (RFC 2606).
_NOBODY = literal("erased-") + cast(User.id, Text) + literal("@erased.invalid")


def _obligations(session: Session, subject: Subject) -> Iterator[str]:
    admins = User.role == Role.ADMIN
    others = select(func.count()).where(admins, User.disabled_at.is_(None), User.id != subject.user_id)
    is_admin = session.scalar(select(User.id).where(admins, User.id == subject.user_id))
    if is_admin and not session.scalar(others):
        yield (
            f"User {subject.user_id} is the last administrator; make somebody else one first: "
            "groundwork users set-role ADDRESS admin."
        )


def _sever(session: Session, subject: Subject) -> None:
    """Sign the person out everywhere, and let them in no more."""
    user = session.get_one(User, subject.user_id, with_for_update=True)
    user.role, user.disabled_at = None, user.disabled_at or now(session)
    sessions.end_all(session, user_id=user.id)


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=User,
            rows=lambda who: User.id == who.user_id,
            erasure=Anonymise(
                {
                    "email": _NOBODY,
                    "email_key": _NOBODY,
                    "name": "Erased",
                    "timezone": "UTC",
                    "locale": "en",
                    "preferences": {},
                }
            ),
            stage=Stage.PERSON,
        ),
        PersonalTable(
            model=SignInSession,
            rows=lambda who: SignInSession.user_id == who.user_id,
            erasure=Delete(),
            withheld={"digest": HASH},
        ),
        PersonalTable(
            model=RefreshToken,
            rows=lambda who: RefreshToken.session_id.in_(
                select(SignInSession.id).where(SignInSession.user_id == who.user_id)
            ),
            erasure=Delete(),
            withheld={"digest": HASH},
        ),
        PersonalTable(
            model=SignInAttempts,
            rows=lambda who: SignInAttempts.id.startswith(account_counter(key_of(who.email))),
            erasure=Delete(),
            withheld={"id": "It is a hash of the address, and where it was tried from."},
        ),
        PersonalTable(
            model=MailedLink,
            rows=lambda who: (MailedLink.user_id == who.user_id) | (MailedLink.email == who.email),
            erasure=Delete(),
            withheld={"digest": HASH},
        ),
        PersonalTable(
            model=Password,
            rows=lambda who: Password.user_id == who.user_id,
            erasure=Delete(),
            withheld={"password_hash": HASH},
        ),
    ),
    obligations=_obligations,
    sever=_sever,
)
