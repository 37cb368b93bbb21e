"""A link that was made on the host signs somebody in, once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.console.places import SIGN_IN_LINK, page_or_root
from app.db.clock import clock, now
from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts.links import service as links
from app.domains.accounts.links import signing_in
from app.domains.accounts.links.service import Target
from app.domains.accounts.models import MailedLink, Purpose, SignInSession
from app.domains.audit.service import LOGIN_TASK, OPERATION_TASK
from app.jobs.ledger.models import Job
from tests.console.browser import HERE, OVERVIEW, browser
from tests.domains.accounts.people import ANN, add_person

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
#: Of the right form, and nobody's.
FORGED = "gwl_" + "A" * 43
SENTENCE = (
    "This link signs nobody in: it was used before, has expired, was replaced by a newer one, or is not of "
    "this host. Make a new one on the host: groundwork users sign-in-link ADDRESS."
)


def token_for(email: str = ANN) -> str:
    with transaction() as session:
        return signing_in.make(session, email=email, made_by="root on the command line")


def look(token: str, client: TestClient | None = None) -> Response:
    shown: Response = (client or browser()).get(SIGN_IN_LINK, params={"token": token})
    return shown


def press(token: str, client: TestClient | None = None) -> Response:
    """What the button of the page sends."""
    answer: Response = (client or browser()).post(SIGN_IN_LINK, data={"token": token}, headers=HERE)
    return answer


def records_of(task: str) -> list[dict[str, object]]:
    with reading() as session:
        jobs = session.scalars(select(Job.kwargs).where(Job.task == task)).all()
    return [record for kwargs in jobs for record in kwargs["records"]]


def assert_refused(answer: Response) -> None:
    assert answer.status_code == 422
    assert unescape(re.findall(r'<p role="alert" class="problem">(.*?)</p>', answer.text)[0]) == SENTENCE
    assert "Set-Cookie" not in answer.headers


def test_it_signs_in_once_and_is_written_down() -> None:
    user_id, token, client = add_person(), token_for(), browser()
    # Whoever only opens it, as scanners of mail do, does not use it up.
    for _ in range(3):
        assert f"It signs you in as {ANN}." in look(token).text
    answer = press(token, client)
    assert (answer.status_code, answer.headers["Location"]) == (303, OVERVIEW)
    assert client.get(OVERVIEW).status_code == 200
    assert_refused(press(token))
    assert_refused(look(token))
    (made,) = records_of(OPERATION_TASK)
    assert (made["title"], made["user_name"]) == ("Make a sign-in link", "root on the command line")
    assert made["path"] == f"users/{user_id}/sign-in-link"
    (used,) = records_of(LOGIN_TASK)
    assert (used["user_id"], used["status"]) == (user_id, "success")
    assert used["message"] == "With a link made on the host."
    with reading() as session:
        kept = [job for job in session.scalars(select(Job)) if token in str(job.kwargs)]
    assert kept == []


def test_of_two_who_press_at_once_one_signs_in(database: Engine) -> None:
    add_person()
    token, clients = token_for(), [browser(), browser()]
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda client: press(token, client).status_code, clients))
    assert sorted(answers) == [303, 422]
    with reading() as session:
        assert len(session.scalars(select(SignInSession)).all()) == 1


def test_it_is_good_for_fifteen_minutes() -> None:
    add_person()
    token = token_for()
    with transaction() as session:
        left = session.scalars(select(MailedLink.expires_at)).one() - now(session)
        session.execute(update(MailedLink).values(expires_at=clock(-1)))
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert_refused(look(token))
    assert_refused(press(token))


def test_a_newer_one_takes_its_place() -> None:
    add_person()
    old, new = token_for(), token_for()
    assert_refused(press(old))
    assert press(new).status_code == 303


def test_who_was_disabled_meanwhile_is_not_let_in() -> None:
    add_person()
    token = token_for()
    with transaction() as session:
        administration.disable(session, email=ANN)
    assert_refused(press(token))


@pytest.mark.parametrize(
    "token", [FORGED, "gwl_short", "x" * 10_000, "<script>", "ключ", f"{FORGED}{FORGED}"]
)
def test_what_is_no_link_of_this_host_is_refused_alike(token: str) -> None:
    add_person()
    assert_refused(press(token))
    assert_refused(look(token))


def test_what_is_no_text_is_refused_by_a_sentence() -> None:
    assert_refused(browser().get(f"{SIGN_IN_LINK}?token=gwl_%ED%B3%BF"))
    assert browser().get(f"{SIGN_IN_LINK}?token=%00").status_code == 400


def test_a_mailed_link_for_something_else_signs_nobody_in() -> None:
    user_id = add_person()
    with transaction() as session:
        target = Target(purpose=Purpose.PASSWORD_RESET, email=ANN, user_id=user_id)
        token = links.make(session, target, whom=f"user {user_id}")
    assert_refused(press(token))


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_a_page_of_another_host_uses_it_up_for_nobody(headers: dict[str, str]) -> None:
    add_person()
    token = token_for()
    answer = browser().post(SIGN_IN_LINK, data={"token": token}, headers=headers)
    assert answer.status_code == 403
    assert "This was not sent by a page of this console" in answer.text
    assert press(token).status_code == 303


def test_without_a_token_it_can_be_typed() -> None:
    assert '<input name="token"' in browser().get(SIGN_IN_LINK).text
    assert_refused(press(""))


def test_nobody_is_led_back_to_it() -> None:
    assert page_or_root(f"{SIGN_IN_LINK}?token={FORGED}") == OVERVIEW
