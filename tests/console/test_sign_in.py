"""Signing in to the console and out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.console.places import page_or_root
from app.db.sessions import reading
from app.domains.accounts.models import SignInSession
from app.domains.accounts.roles import Role
from app.domains.audit.service import LOGIN_TASK
from app.http.access import TRUSTED_FOR
from app.jobs.ledger.models import Job
from tests.console.browser import HERE, OVERVIEW, SIGN_IN, SIGN_OUT, browser, sign_in, signed_in
from tests.domains.accounts.people import ANN, PASSWORD, add_person
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.databases("sqlite")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_whoever_has_not_signed_in_is_led_there_and_back(database: Engine) -> None:
    add_person(role=Role.OPERATOR)
    client = browser()
    led = client.get("/console/jobs?state=dead")
    assert (led.status_code, led.headers["Location"]) == (
        303,
        "/console/sign-in?next=%2Fconsole%2Fjobs%3Fstate%3Ddead",
    )
    page = client.get(led.headers["Location"])
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert 'name="next" value="/console/jobs?state=dead"' in page.text
    back = sign_in(client, next="/console/jobs?state=dead")
    assert (back.status_code, back.headers["Location"]) == (303, "/console/jobs?state=dead")
    assert client.get(OVERVIEW).status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "https://evil.example",
        "//evil.example",
        "/console//evil.example",
        "/console/../api/v1/jobs",
        "/console/%2e%2e/api",
        "/console\\evil",
        "/consolex",
        "/console\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/console/sign-out",
        "/console?" + "x" * 10_000,
    ],
)
def test_nobody_is_led_out_of_the_console(elsewhere: str) -> None:
    assert page_or_root(elsewhere) == OVERVIEW


def test_wrong_passwords_are_told_logged_and_paused_as_at_the_api(database: Engine) -> None:
    add_person()
    client = browser()
    wrong = sign_in(client, password="<b>wrong</b> rivers")
    assert wrong.status_code == 401
    assert "The address or the password is wrong" in wrong.text
    assert "rivers" not in wrong.text
    assert "set-cookie" not in wrong.headers
    for _ in range(20):
        refused = sign_in(client, password="wrong rivers run")
        if refused.status_code == 429:
            break
    assert (refused.status_code, "Try again in" in refused.text) == (429, True)
    assert int(refused.headers["Retry-After"]) > 0
    with reading() as session:
        noted = session.scalars(select(Job.task).where(Job.task == LOGIN_TASK)).all()
        assert noted
        assert session.scalars(select(SignInSession)).all() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"email=ann%40example.org", 422),
        (b"email=ann%40example.org&password=a%00b", 422),
        (b"email=ann%40example.org&password=%ed%a0%80", 415),
        (b"email=ann%40example.org&password=%ff", 415),
        ("email=анна".encode(), 415),
        (b"email=a&email=b&password=c", 422),
        (b"&".join(b"a%d=1" % number for number in range(60)), 415),
        (b"email=" + b"x" * 200_000 + b"&password=x", 422),
        (b"email=" + b"x" * 400_000 + b"&password=x", 413),
        (b"email=%D0%B0%D0%BD%D0%BD%D0%B0&password=%D1%80%D0%B5%D0%BA%D0%B0", 401),
    ],
)
def test_what_is_no_form_is_answered_with_a_page(database: Engine, body: bytes, status: int) -> None:
    add_person()
    answer = browser().post(SIGN_IN, content=body, headers=FORM | HERE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert 'role="alert"' in answer.text
    assert "xxxx" not in answer.text.replace("x" * 1_000, "")


def test_json_is_no_form(database: Engine) -> None:
    answer = browser().post(SIGN_IN, json={"email": ANN, "password": PASSWORD}, headers=HERE)
    assert answer.status_code == 415


def test_signing_out_ends_the_session(database: Engine) -> None:
    client = signed_in()
    out = client.post(SIGN_OUT, headers=HERE)
    assert (out.status_code, out.headers["Location"]) == (303, SIGN_IN)
    assert 'groundwork_session="";' in out.headers["Set-Cookie"]
    with reading() as session:
        assert session.scalars(select(SignInSession.ended_at)).one() is not None


def test_a_session_that_ended_leads_to_the_sign_in(database: Engine) -> None:
    client = signed_in()
    cookie = client.cookies["groundwork_session"]
    client.post(SIGN_OUT, headers=HERE)
    client.cookies["groundwork_session"] = cookie
    wait_until(
        lambda: client.get(OVERVIEW).status_code == 303,
        seconds=TRUSTED_FOR.total_seconds() + 5,
        what="the session is refused",
    )
    assert client.post(SIGN_OUT, headers=HERE).headers["Location"] == SIGN_IN


def test_a_token_of_the_api_opens_no_page(database: Engine) -> None:
    from_elsewhere = browser()
    from_elsewhere.headers["Authorization"] = "Bearer gw_0123456789ab_" + "x" * 43
    assert from_elsewhere.get(OVERVIEW).status_code == 303
