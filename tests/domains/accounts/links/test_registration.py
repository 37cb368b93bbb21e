"""Anybody may register where that is open, becomes a viewer by mail, and learns of nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading
from app.domains.accounts.models import User
from tests.api_client import anonymous, client_for
from tests.domains.accounts.links.mailbox import (
    CONFIRM_REGISTER,
    NEW,
    REGISTER,
    do_what_was_asked,
    let_all_expire,
    mails,
    post,
    token_for,
)
from tests.domains.accounts.people import ANN, ME, add_person, client_of, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import Response
    from sqlalchemy import Engine

EVE = "eve@example.org"


@pytest.fixture
def is_open(database: Engine, configure: Callable[..., None]) -> None:
    configure(open_registration=True)


def register(email: str = EVE, **more: Any) -> Response:
    return post(REGISTER, email=email, name="Eve <b>", **more)


def count_users() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


@pytest.mark.databases("sqlite")
def test_by_default_a_stranger_registers_nobody(database: Engine) -> None:
    assert (register().status_code, register().json()["code"]) == (401, "missing_token")
    answer = post(CONFIRM_REGISTER, token="gwl_" + "x" * 43, password=NEW)
    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")


def test_who_confirms_is_a_viewer_with_a_password_of_their_own(is_open: None) -> None:
    assert register(timezone="Europe/Berlin", locale="de").status_code == 202
    token = token_for(EVE)
    assert count_users() == 0, "nobody is registered by asking"
    assert "Eve" not in mails()[-1][2], "a stranger's words are mailed to nobody"
    assert post(CONFIRM_REGISTER, token=token, password="short").json()["code"] == "weak_password"
    assert post(CONFIRM_REGISTER, token=token, password=NEW).status_code == 204
    assert sign_in(anonymous(), EVE, NEW).status_code == 200
    client = anonymous()
    client.headers["Authorization"] = f"Bearer {sign_in(client, EVE, NEW).json()['access_token']}"
    me = client.get(ME).json()
    assert (me["role"], me["user"]["name"], me["user"]["timezone"]) == ("viewer", "Eve <b>", "Europe/Berlin")
    assert post(CONFIRM_REGISTER, token=token, password=NEW).json()["code"] == "unusable_link"


@pytest.mark.databases("sqlite")
def test_a_known_address_gets_the_same_answer_and_its_owner_a_mail(is_open: None) -> None:
    add_person()
    known, unknown = register(ANN), register(EVE)
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (202, known.text)
    do_what_was_asked()
    assert [(to, subject) for to, subject, _ in mails() if "Welcome" not in subject] == [
        (ANN, "You have an account already"),
        (EVE, "Confirm your address"),
    ]
    assert count_users() == 1


@pytest.mark.databases("sqlite")
def test_a_second_request_makes_the_first_link_void_and_an_old_one_ends(is_open: None) -> None:
    register()
    first = token_for(EVE)
    register()
    second = token_for(EVE)
    assert post(CONFIRM_REGISTER, token=first, password=NEW).json()["code"] == "unusable_link"
    let_all_expire()
    assert post(CONFIRM_REGISTER, token=second, password=NEW).json()["code"] == "unusable_link"
    assert count_users() == 0


@pytest.mark.databases("sqlite")
def test_an_address_that_is_registered_meanwhile_is_not_registered_twice(is_open: None) -> None:
    register()
    token = token_for(EVE)
    add_person(EVE)
    assert post(CONFIRM_REGISTER, token=token, password=NEW).json()["code"] == "unusable_link"


@pytest.mark.databases("sqlite")
def test_a_credential_that_is_shown_counts_also_where_none_is_needed(is_open: None) -> None:
    body = {"email": EVE, "name": "Eve"}
    add_person()
    assert client_of().post(REGISTER, json=body).json()["code"] == "missing_scope"
    assert client_for("users:write").post(REGISTER, json=body).status_code == 201
    assert anonymous().post(REGISTER, json=body, headers={"Authorization": "Bearer x"}).status_code == 401
    browser = anonymous()
    sign_in(browser, keep="cookie")
    assert browser.post(REGISTER, json=body).json()["code"] == "csrf_refused"


@pytest.mark.databases("sqlite")
def test_a_stranger_registers_few_and_with_a_zone_that_exists(is_open: None) -> None:
    assert register(timezone="Mars/Olympus").status_code == 422
    answers = [register(f"user-{number}@example.org").status_code for number in range(40)]
    assert (answers[:20], 429 in answers[20:]) == ([202] * 20, True)
