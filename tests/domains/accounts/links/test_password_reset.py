"""Who reads the mailbox can choose another password, once; nobody learns who is registered."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts.models import MailedLink
from app.jobs.ledger.models import Job
from app.jobs.ledger.seal import is_sealed
from tests.api_client import anonymous
from tests.domains.accounts.links.mailbox import (
    CONFIRM_EMAIL,
    CONFIRM_RESET,
    NEW,
    RESET,
    do_what_was_asked,
    end_pauses,
    let_all_expire,
    mails,
    post,
    token_for,
)
from tests.domains.accounts.people import ANN, ME, PASSWORD, REFRESH, add_person, client_of, sign_in
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


def code_of(token: str, password: str = NEW) -> str:
    answer = post(CONFIRM_RESET, token=token, password=password)
    return "" if answer.status_code == 204 else str(answer.json()["code"])


def test_who_reads_the_mail_has_another_password_and_all_sessions_have_ended(database: Engine) -> None:
    add_person()
    pair, client = sign_in(anonymous()).json(), client_of()
    for _ in range(8):
        sign_in(anonymous(), password="wide rivers run quickly")
    assert post(RESET, email="ANN@example.org").status_code == 202
    assert code_of(token_for()) == ""
    assert sign_in(anonymous(), password=NEW).status_code == 200, "strangers' pauses are over"
    assert sign_in(anonymous(), password=PASSWORD).status_code == 401
    assert anonymous().post(REFRESH, json={"refresh_token": pair["refresh_token"]}).status_code == 401
    wait_until(lambda: client.get(ME).status_code == 401, seconds=6, what="the session has ended")


@pytest.mark.databases("sqlite")
def test_the_link_leads_to_the_pages_that_the_settings_name(
    database: Engine, configure: Callable[..., None]
) -> None:
    configure(public_url="https://people.example.org/")
    add_person()
    post(RESET, email=ANN)
    token = token_for()
    assert f"\nhttps://people.example.org/password-reset#token={token}\n" in mails()[-1][2]


def test_a_token_is_good_once_also_for_two_at_the_same_time(database: Engine) -> None:
    add_person()
    post(RESET, email=ANN)
    token, ready = token_for(), threading.Barrier(2)
    codes: list[str] = []

    def use() -> None:
        ready.wait()
        codes.append(code_of(token))

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["", "unusable_link"]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("end", ["replaced", "expired", "password changed", "disabled", "other purpose"])
def test_a_link_ends_before_it_is_used(database: Engine, end: str) -> None:
    user_id = add_person()
    post(RESET, email=ANN)
    token = token_for()
    if end == "replaced":
        post(RESET, email=ANN)
        assert code_of(token_for()) == "", "the newer one is good"
    if end == "expired":
        let_all_expire()
    if end == "disabled":
        with transaction() as session:
            administration.disable(session, email=ANN)
            administration.enable(session, email=ANN)
    if end == "password changed":
        hashed = administration.hash_chosen(NEW, email=ANN, name="Ann")
        with transaction() as session:
            administration.set_password(session, user_id=user_id, password_hash=hashed)
    if end == "other purpose":
        assert post(CONFIRM_EMAIL, token=token).json()["code"] == "unusable_link"
    else:
        assert code_of(token, "other rivers carve the valley") == "unusable_link"
        assert sign_in(anonymous(), password="other rivers carve the valley").status_code == 401


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("token", ["", "x", "gwl_" + "x" * 43, "gwl_" + "x" * 900, "gwl_é" + "x" * 42])
def test_a_token_that_is_none_is_one_sentence(database: Engine, token: str) -> None:
    answer = post(CONFIRM_RESET, token=token, password=NEW)
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_link")
    assert answer.json()["detail"].startswith("The link cannot be used: it was used before, has expired")


@pytest.mark.databases("sqlite")
def test_a_password_that_is_too_weak_leaves_the_link_good(database: Engine) -> None:
    add_person()
    post(RESET, email=ANN)
    token = token_for()
    assert [code_of(token, weak) for weak in ("short", ANN, "x" * 300, NEW)] == [
        "weak_password",
        "weak_password",
        "unusable_password",
        "",
    ]


def test_nobody_learns_who_is_registered(database: Engine) -> None:
    add_person()
    add_person("bob@example.org")
    with transaction() as session:
        administration.disable(session, email="bob@example.org")
    asked = [ANN, "bob@example.org", "nobody@example.org"]
    answers = [post(RESET, email=email) for email in asked]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    with reading() as session:
        kwargs = session.scalars(select(Job.kwargs).where(Job.task.startswith("accounts.mail"))).all()
    assert len(kwargs) == len(asked), "the same work for each"
    assert all(is_sealed(one["mailbox"]) for one in kwargs)
    do_what_was_asked()
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(MailedLink)) == 1
    assert [to for to, _, _ in mails()] == [ANN]


@pytest.mark.databases("sqlite")
def test_asking_pauses_alike_for_a_user_and_for_nobody(database: Engine) -> None:
    add_person()
    for email in (ANN, "nobody@example.org"):
        answers = [post(RESET, email=email) for _ in range(8)]
        assert [answer.status_code for answer in answers[:3]] == [202] * 3
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert refused[0].json()["code"] == "too_many_attempts"
        assert int(refused[0].headers["Retry-After"]) >= 1
    assert sign_in(anonymous()).status_code == 200, "signing in has pauses of its own"


@pytest.mark.databases("sqlite")
def test_one_address_asks_for_so_many_and_no_more(database: Engine) -> None:
    answers = [post(RESET, email=f"user-{number}@example.org").status_code for number in range(40)]
    assert answers[:20] == [202] * 20
    assert 429 in answers[20:]
    end_pauses()
    assert post(RESET, email="later@example.org").status_code == 202


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "email", ["", "x", "ann@example.org\0", "ann@example.org\r\nBcc: eve@example.org", "x" * 300 + "@x.org"]
)
def test_what_is_no_address_is_refused(database: Engine, email: str) -> None:
    assert post(RESET, email=email).status_code == 422
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
