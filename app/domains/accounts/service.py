"""Makes and changes users. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.db.clock import clock, now
from app.db.upsert import insert_or_update
from app.domains.accounts.errors import AddressNotFound, EmailTaken, SignInAgain, UserNotFound
from app.domains.accounts.facts import Person
from app.domains.accounts.models import SignInSession, User
from app.domains.accounts.preferences import Preferences
from app.domains.accounts.roles import Role
from app.jobs.celery.application import celery_app
from app.outbound.mail.service import queue_mail
from app.values.email_addresses import key_of
from app.values.timezones import check_timezone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Subquery
    from sqlalchemy.orm import Session


#: What cannot be taken back is asked of somebody who signed in so short a time ago.
RECENTLY = timedelta(minutes=15)
WELCOME_TASK = "accounts.send_welcome_email"


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """What is known of somebody who registers."""

    email: str
    name: str
    timezone: str = "UTC"
    locale: str = "en"


def register(session: Session, new: NewUser) -> User:
    """Make a user, to be welcomed by mail. Raises `EmailTaken`; of two at once, one is the first."""
    check_timezone(new.timezone)
    statement = insert_or_update(session, User).values(
        email=new.email,
        email_key=key_of(new.email),
        name=new.name,
        timezone=new.timezone,
        locale=new.locale,
        preferences=Preferences().model_dump(mode="json"),
        created_at=now(session),
    )
    made = statement.on_conflict_do_nothing(index_elements=[User.email_key]).returning(User.id)
    user_id = session.scalar(made)
    if user_id is None:
        raise EmailTaken(email=new.email, user_id=_id_of(session, email=new.email))
    celery_app.send_task(WELCOME_TASK, kwargs={"user_id": user_id}, key=f"welcome:{user_id}")
    return find_user(session, user_id=user_id)


def find_user(session: Session, *, user_id: int) -> User:
    """The user with that id. Raises `UserNotFound`."""
    user = session.get(User, user_id)
    if user is None:
        raise UserNotFound(user_id=user_id)
    return user


def lock_person(session: Session, *, user_id: int) -> None:
    """Have all who write what refers to the user wait for the end of the transaction."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())


def person(session: Session, *, user_id: int) -> Person:
    """What there is to know of the user with that id. Raises `UserNotFound`."""
    return people(session, [user_id])[user_id]


def people(session: Session, user_ids: Iterable[int]) -> dict[int, Person]:
    """What there is to know of the users with those ids, by id. Raises `UserNotFound`."""
    wanted = sorted(user_ids)
    found = {user.id: _person(user) for user in session.scalars(select(User).where(User.id.in_(wanted)))}
    for user_id in wanted:
        if user_id not in found:
            raise UserNotFound(user_id=user_id)
    return found


def _person(user: User) -> Person:
    return Person(
        id=user.id,
        name=user.name,
        email=user.email,
        locale=user.locale,
        timezone=user.timezone,
        preferences=Preferences.model_validate(user.preferences),
    )


def known_users(session: Session, user_ids: Collection[int]) -> set[int]:
    """Those of the ids that are users'."""
    return set(session.scalars(select(User.id).where(User.id.in_(user_ids))))


def admins(session: Session) -> list[Person]:
    """Administrators who may sign in."""
    may = (User.role == Role.ADMIN) & User.disabled_at.is_(None)
    return [_person(user) for user in session.scalars(select(User).where(may).order_by(User.id))]


def count_new(session: Session, *, since: datetime, until: datetime) -> int:
    """How many users were made in that time."""
    new = (User.created_at >= since) & (User.created_at < until)
    return session.scalars(select(func.count()).select_from(User).where(new)).one()


def ids_at(session: Session, emails: Collection[str]) -> dict[str, int]:
    """Those of the addresses that a user has, however they are spelt, and the user's id."""
    keys = {email: key_of(email) for email in emails}
    rows = session.execute(select(User.email_key, User.id).where(User.email_key.in_(set(keys.values()))))
    ids = {key: user_id for key, user_id in rows}  # noqa: C416 (typed; dict() of rows is not)
    return {email: ids[key] for email, key in keys.items() if key in ids}


def refuse_old_session(session: Session, *, session_id: str) -> None:
    """Raise `SignInAgain` unless whoever asks signed in a short time ago."""
    recent = select(SignInSession.id).where(
        SignInSession.id == session_id, SignInSession.started_at > clock(-RECENTLY.total_seconds())
    )
    if session.scalar(recent) is None:
        raise SignInAgain(minutes=int(RECENTLY.total_seconds() // 60))


def clocks() -> Subquery:
    """All users (`user_id`), their zones (`timezone`), and since when one may not sign in (`disabled_at`).

    It is to be joined to what is said of many at once.
    """
    return select(User.id.label("user_id"), User.timezone, User.disabled_at).subquery("user_clock")


def change_user(
    session: Session,
    *,
    user_id: int,
    name: str | None = None,
    timezone: str | None = None,
    locale: str | None = None,
    preferences: Preferences | None = None,
) -> User:
    """Change what is given of a user."""
    user = find_user(session, user_id=user_id)
    if timezone is not None:
        check_timezone(timezone)
    user.name = user.name if name is None else name
    user.timezone = user.timezone if timezone is None else timezone
    user.locale = user.locale if locale is None else locale
    if preferences is not None:
        user.preferences = preferences.model_dump(mode="json")
    session.flush()
    return user


def welcome_at(session: Session, *, email: str, name: str | None) -> int:
    """As `welcome`, for the user with that address. Raises `AddressNotFound`."""
    user_id = ids_at(session, [email]).get(email)
    if user_id is None:
        raise AddressNotFound(email=email)
    return welcome(session, user_id=user_id, name=name)


def welcome(session: Session, *, user_id: int, name: str | None = None) -> int:
    """Have a user's welcome mail sent, once however often it is asked for; the delivery's id.

    They are called by their own name unless `name` says another.
    """
    user = find_user(session, user_id=user_id)
    return queue_mail(
        session,
        key=f"welcome:{user.id}",
        to=[user.email],
        template="accounts/welcome",
        context={"name": name or user.name, "email": user.email},
    )


def _id_of(session: Session, *, email: str) -> int:
    return session.scalars(select(User.id).where(User.email_key == key_of(email))).one()
