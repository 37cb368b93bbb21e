"""Guessing is slowed down for an account and for an address, and the right person gets in."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from app.api import app
from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.domains.accounts.models import SignInAttempts
from app.domains.accounts.sessions import lockout
from app.domains.accounts.sessions.errors import TooManyAttempts
from app.domains.accounts.sessions.lockout import FREE_FOR_ACCOUNT, FREE_FOR_ADDRESS, MAX_PAUSE, Counted
from tests.domains.accounts.people import ANN, PASSWORD, add_person, sign_in

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine

WHO = Counted(account="account a", address="address 203.0.113.9")


def attempt(who: Counted = WHO) -> int:
    """Count one that fails; the seconds of the pause that forbids it, or 0."""
    try:
        with transaction() as session:
            lockout.refuse_paused(session, who)
            lockout.count(session, who)
    except TooManyAttempts as error:
        return error.retry_after or 0
    return 0


def end_pauses() -> None:
    with transaction() as session:
        session.execute(update(SignInAttempts).values(paused_until=clock(-1)))


def pause_of(name: str) -> int:
    """The seconds of the pause that the last failure has begun."""
    with reading() as session:
        row = session.get_one(SignInAttempts, name)
    return round((row.paused_until - row.last_at).total_seconds())


def lengthen_pauses() -> None:
    """Let the pauses that have begun last for longer than this test."""
    begun = SignInAttempts.paused_until > SignInAttempts.last_at
    with transaction() as session:
        session.execute(update(SignInAttempts).where(begun).values(paused_until=clock(600)))


def from_address(address: str, email: str = ANN, password: str = "wide rivers run quickly") -> Response:
    """Try to sign in through the proxy on this host, which says for whom it speaks."""
    proxy = TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 4711))
    return sign_in(proxy, email, password, headers={"X-Real-IP": address})


def test_pauses_double_from_the_sixth_failure_on_and_end_at_the_longest(database: Engine) -> None:
    pauses = []
    for _ in range(FREE_FOR_ACCOUNT + 13):
        assert attempt() == 0
        pauses.append(pause_of(WHO.account))
        end_pauses()
    longest = int(MAX_PAUSE.total_seconds())
    assert pauses == [0] * FREE_FOR_ACCOUNT + [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] + [longest] * 3


def test_an_attempt_in_a_pause_makes_it_no_longer(database: Engine) -> None:
    for _ in range(FREE_FOR_ACCOUNT + 1):
        attempt()
    lengthen_pauses()
    assert 590 < attempt() <= 600
    assert 590 < attempt() <= 600
    with reading() as session:
        assert session.scalars(select(SignInAttempts.failures)).all() == [FREE_FOR_ACCOUNT + 1] * 2


def test_what_was_right_is_taken_back_and_others_of_the_address_stay(database: Engine) -> None:
    for number in range(3):
        attempt(Counted(account=f"account {number}", address=WHO.address))
    with transaction() as session:
        lockout.take_back(session, Counted(account="account 2", address=WHO.address))
    with reading() as session:
        rows = session.execute(select(SignInAttempts.id, SignInAttempts.failures)).all()
    assert {row.id: row.failures for row in rows} == {"account 0": 1, "account 1": 1, WHO.address: 2}


def test_failures_are_forgotten_when_none_came_for_a_day(database: Engine) -> None:
    for _ in range(FREE_FOR_ACCOUNT):
        attempt()
    with transaction() as session:
        long_ago = clock(-(lockout.FORGOTTEN_AFTER + timedelta(minutes=1)).total_seconds())
        session.execute(update(SignInAttempts).values(last_at=long_ago))
    assert [attempt() for _ in range(FREE_FOR_ACCOUNT)] == [0] * FREE_FOR_ACCOUNT


def test_many_at_once_are_counted_each(database: Engine) -> None:
    passed: list[int] = []
    ready = threading.Barrier(FREE_FOR_ACCOUNT)

    def guess() -> None:
        ready.wait()
        passed.append(attempt())

    threads = [threading.Thread(target=guess) for _ in range(FREE_FOR_ACCOUNT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed == [0] * FREE_FOR_ACCOUNT
    with reading() as session:
        assert session.scalars(select(SignInAttempts.failures)).all() == [FREE_FOR_ACCOUNT] * 2


@pytest.mark.databases("sqlite")
def test_strangers_do_not_lock_the_right_person_out(database: Engine) -> None:
    add_person()
    assert from_address("198.51.100.7", password=PASSWORD).status_code == 200
    for number in range(FREE_FOR_ACCOUNT + 1):
        assert from_address(f"203.0.113.{number}").status_code == 401
    lengthen_pauses()
    paused = from_address("203.0.113.100")
    assert (paused.status_code, paused.json()["code"]) == (429, "too_many_attempts")
    assert 590 < int(paused.headers["Retry-After"]) <= 600
    assert from_address("203.0.113.200", password=PASSWORD).status_code == 429, "nobody new gets in meanwhile"
    assert from_address("198.51.100.7", password=PASSWORD).status_code == 200, "but where Ann was before"
    end_pauses()
    assert from_address("203.0.113.200", password=PASSWORD).status_code == 200, (
        "and elsewhere after the pause"
    )


@pytest.mark.databases("sqlite")
def test_an_address_that_tries_many_accounts_pauses_and_no_other_does(database: Engine) -> None:
    add_person()
    tried = [
        from_address("2001:db8::1", f"nobody{number}@example.org") for number in range(FREE_FOR_ADDRESS + 1)
    ]
    assert {answer.status_code for answer in tried} == {401}
    lengthen_pauses()
    assert from_address("2001:db8::2", password=PASSWORD).status_code == 429, "it is the same network"
    assert from_address("2001:db8:0:1::1", password=PASSWORD).status_code == 200


@pytest.mark.databases("sqlite")
def test_an_account_that_does_not_exist_pauses_as_one_that_does(database: Engine) -> None:
    add_person()
    for email in (ANN, "nobody@example.org"):
        for number in range(FREE_FOR_ACCOUNT + 1):
            assert from_address(f"203.0.113.{number}", email).status_code == 401
        lengthen_pauses()
        assert from_address("203.0.113.100", email).status_code == 429
