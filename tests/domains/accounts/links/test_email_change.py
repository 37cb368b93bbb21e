"""Another address counts once it is confirmed, and the one before hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading
from app.domains.accounts.service import find_user
from tests.api_client import anonymous, client_for
from tests.domains.accounts.links.mailbox import (
    CONFIRM_EMAIL,
    CONFIRM_RESET,
    EMAIL,
    NEW,
    RESET,
    do_what_was_asked,
    mails,
    post,
    token_for,
)
from tests.domains.accounts.people import ANN, PASSWORD, add_person, client_of, sign_in

if TYPE_CHECKING:
    from sqlalchemy import Engine

ELSEWHERE = "ann@example.net"


def test_the_new_address_confirms_and_the_old_one_is_told(database: Engine) -> None:
    user_id = add_person()
    client = client_of()
    assert post(EMAIL, client, email=ELSEWHERE, current_password=PASSWORD).status_code == 202
    token = token_for(ELSEWHERE)
    assert sign_in(anonymous(), ELSEWHERE).status_code == 401, "nothing has changed yet"
    assert post(CONFIRM_EMAIL, token=token).status_code == 204
    assert sign_in(anonymous(), ELSEWHERE).status_code == 200
    assert sign_in(anonymous(), ANN).status_code == 401
    with reading() as session:
        assert find_user(session, user_id=user_id).email == ELSEWHERE
    told = [subject for to, subject, _ in mails() if to == ANN and "address" in subject]
    assert told == ["Your address is to change", "Your address has changed"]
    assert post(CONFIRM_EMAIL, token=token).json()["code"] == "unusable_link"


@pytest.mark.databases("sqlite")
def test_a_link_that_went_to_the_old_address_is_void(database: Engine) -> None:
    add_person()
    post(RESET, email=ANN)
    reset = token_for()
    post(EMAIL, client_of(), email=ELSEWHERE, current_password=PASSWORD)
    assert post(CONFIRM_EMAIL, token=token_for(ELSEWHERE)).status_code == 204
    assert post(CONFIRM_RESET, token=reset, password=NEW).json()["code"] == "unusable_link"


@pytest.mark.databases("sqlite")
def test_an_address_of_somebody_else_stays_theirs_and_they_are_told(database: Engine) -> None:
    add_person()
    add_person("bob@example.org")
    client = client_of()
    answer = post(EMAIL, client, email="bob@example.org", current_password=PASSWORD)
    free = post(EMAIL, client, email=ELSEWHERE, current_password=PASSWORD)
    assert (answer.status_code, answer.text) == (202, free.text)
    do_what_was_asked()
    assert ("bob@example.org", "You have an account already") in [(to, what) for to, what, _ in mails()]


@pytest.mark.databases("sqlite")
def test_an_address_that_somebody_got_meanwhile_is_not_given_twice(database: Engine) -> None:
    add_person()
    post(EMAIL, client_of(), email=ELSEWHERE, current_password=PASSWORD)
    token = token_for(ELSEWHERE)
    add_person(ELSEWHERE)
    assert post(CONFIRM_EMAIL, token=token).json()["code"] == "unusable_link"
    assert sign_in(anonymous(), ANN).status_code == 200


@pytest.mark.databases("sqlite")
def test_the_current_password_a_session_and_the_csrf_token_are_asked_for(database: Engine) -> None:
    add_person()
    asked = {"email": ELSEWHERE, "current_password": "wide rivers run quickly"}
    assert post(EMAIL, client_of(), **asked).json()["code"] == "wrong_current_password"
    assert post(EMAIL, client_for(), **asked).json()["code"] == "not_signed_in"
    browser = anonymous()
    sign_in(browser, keep="cookie")
    assert post(EMAIL, browser, **asked).json()["code"] == "csrf_refused"
    do_what_was_asked()
    assert [to for to, _, _ in mails() if to == ELSEWHERE] == []
