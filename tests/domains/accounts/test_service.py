"""Users: one per address, with a time zone that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction, using
from app.domains.accounts import service
from app.domains.accounts.errors import EmailTaken, UserNotFound
from app.domains.accounts.facts import Channel
from app.domains.accounts.models import User
from app.domains.accounts.preferences import Preferences
from app.domains.accounts.service import NewUser
from app.jobs.ledger.models import Job
from app.values.timezones import UnknownTimezone

if TYPE_CHECKING:
    from sqlalchemy import Engine

ANN = NewUser(email="Ann@Example.org", name="Ann", timezone="Europe/Berlin", locale="de")


def register(new: NewUser = ANN) -> int:
    with transaction() as session:
        return service.register(session, new).id


def test_a_user_is_kept_as_registered_and_has_the_usual_preferences(database: Engine) -> None:
    user_id = register()
    with reading() as session:
        user = service.find_user(session, user_id=user_id)
        person = service.person(session, user_id=user_id)
    assert (user.email, user.name, user.timezone, user.locale) == (
        "Ann@Example.org",
        "Ann",
        "Europe/Berlin",
        "de",
    )
    assert (person.name, person.preferences) == ("Ann", Preferences())


def test_one_address_is_one_user_whatever_the_case(database: Engine) -> None:
    user_id = register()
    with pytest.raises(EmailTaken, match=f"ann@example.ORG is already registered, as user {user_id}"):
        register(NewUser(email="ann@example.ORG", name="Another"))
    with reading() as session:
        assert len(session.scalars(select(User)).all()) == 1
        assert session.scalars(select(Job.key)).all() == [f"welcome:{user_id}"]


def test_two_addresses_that_look_alike_are_two_users(database: Engine) -> None:
    users = {register(NewUser(email=f"{local}@example.org", name="Ann")) for local in ("straße", "strasse")}
    assert len(users) == 2


def test_a_registration_that_fails_welcomes_nobody(database: Engine) -> None:
    with Session(engine()) as session, using(session):
        service.register(session, ANN)
        session.rollback()
    with reading() as session:
        assert session.scalars(select(Job)).all() == []


def test_a_wrong_zone_is_answered_with_the_nearest(database: Engine) -> None:
    with pytest.raises(UnknownTimezone, match=r'Did you mean "Europe/Berlin"\?'):
        register(NewUser(email="a@example.org", name="A", timezone="Europe/Berln"))


def test_a_change_leaves_the_rest_as_it_was(database: Engine) -> None:
    user_id = register()
    chosen = Preferences(channels={"bill_reminder": [Channel.PUSH]})
    with transaction() as session:
        service.change_user(session, user_id=user_id, preferences=chosen)
        service.change_user(session, user_id=user_id, timezone="Asia/Kathmandu")
    with reading() as session:
        user = service.find_user(session, user_id=user_id)
        person = service.person(session, user_id=user_id)
    assert (user.name, user.timezone, person.preferences) == ("Ann", "Asia/Kathmandu", chosen)


def test_a_user_that_is_not_there_is_said_not_to_be(database: Engine) -> None:
    with reading() as session, pytest.raises(UserNotFound, match="no user with the id 7"):
        service.find_user(session, user_id=7)


def test_of_several_users_the_first_that_is_not_there_is_named(database: Engine) -> None:
    ann = register()
    with reading() as session:
        assert service.known_users(session, [ann, 8, 7]) == {ann}
        assert service.people(session, [ann])[ann].email == "Ann@Example.org"
        with pytest.raises(UserNotFound, match="no user with the id 7"):
            service.people(session, [ann, 8, 7])
