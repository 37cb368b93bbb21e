"""Signing in and out by HTTP: tokens for clients, a cookie for browsers, and nothing for anybody else."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from app.api import app
from app.db.sessions import reading, transaction
from app.domains.accounts import administration, service
from app.domains.accounts.models import Password, RefreshToken, SignInSession
from app.domains.accounts.roles import Role
from app.domains.audit.service import LOGIN_TASK
from app.http.access import TRUSTED_FOR
from app.jobs.ledger.models import Job
from tests.api_client import anonymous, client_for
from tests.domains.accounts.people import ANN, ME, PASSWORD, REFRESH, SIGN_IN, add_person, client_of, sign_in
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

JOBS = "/api/v1/jobs"
SIGN_OUT = "/api/v1/auth/sign-out"
EVERYWHERE = "/api/v1/auth/sign-out-everywhere"
CHANGE = "/api/v1/auth/password"
NEW = "slow rivers carve the valley"


def is_refused(client: TestClient) -> None:
    """Wait until what the client shows is good for nothing."""
    seconds = TRUSTED_FOR.total_seconds() + 5
    wait_until(lambda: client.get(ME).status_code == 401, seconds=seconds, what="the session is refused")


def refresh(token: str) -> tuple[int, str]:
    answer = anonymous().post(REFRESH, json={"refresh_token": token})
    return answer.status_code, answer.json().get("refresh_token") or answer.json()["code"]


def test_who_signs_in_is_known_by_the_access_token(database: Engine) -> None:
    user_id = add_person(role=Role.OPERATOR)
    answer = sign_in(anonymous(), "ANN@Example.org")
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    assert answer.headers["Cache-Control"] == "no-store"
    me = client_of().get(ME).json()
    assert (me["user"]["id"], me["user"]["email"], me["role"]) == (user_id, ANN, "operator")
    assert me["csrf_token"] is None


@pytest.mark.databases("sqlite")
def test_wrong_unknown_disabled_and_without_a_role_are_one_answer(database: Engine) -> None:
    add_person()
    add_person("bob@example.org")
    with transaction() as session:
        administration.disable(session, email="bob@example.org")
        registered = service.register(session, service.NewUser(email="eve@example.org", name="Eve"))
        with_password = service.register(session, service.NewUser(email="joe@example.org", name="Joe"))
        stored = session.scalars(select(Password.password_hash)).first()
        administration.set_password(session, user_id=with_password.id, password_hash=stored or "")
    assert registered.role is None
    answers = [
        sign_in(anonymous(), ANN, "wide rivers run quickly"),
        *(sign_in(anonymous(), f"{name}@example.org") for name in ("nobody", "bob", "eve", "joe")),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {(answer.json()["code"], answer.json()["detail"]) for answer in answers} == {
        ("sign_in_refused", "The address or the password is wrong, or this user may not sign in.")
    }
    with reading() as session:
        assert session.scalars(select(SignInSession)).all() == []


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"[]", 422),
        (b'{"email": "ann@example.org"}', 422),
        (b'{"email": "ann@example.org", "password": ""}', 401),
        (b'{"email": "ann@example.org", "password": null}', 422),
        (b'{"email": "ann@example.org", "password": 1e999}', 422),
        (b'{"email": "ann@example.org", "password": "wide\\u0000rivers"}', 422),
        (b'{"email": "ann@example.org", "password": "wide \\ud800 rivers"}', 422),
        (b'{"email": "ann@example.org", "password": "' + b"x" * 200_000 + b'"}', 422),
        (b'{"email": "ann@example.org", "password": "' + b"x" * 10_000_000 + b'"}', 413),
        (b'{"email": "' + b"x" * 200_000 + b'", "password": "x"}', 422),
        ('{"email": "анна@пример.рф", "password": "широка река течёт"}'.encode(), 401),
        (b'{"email": "", "password": "wide rivers run slowly"}', 401),
        (b'{"email": "ann@example.org", "password": "wide rivers run slowly", "role": "admin"}', 422),
        (b'{"email": "ann@example.org", "password": "wide rivers run slowly", "keep": "king"}', 422),
    ],
)
def test_what_is_no_sign_in_is_answered_in_a_sentence_without_the_password(
    database: Engine, body: bytes, status: int
) -> None:
    add_person()
    answer = anonymous().post(SIGN_IN, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert "rivers" not in answer.text
    assert "xxxx" not in answer.text


@pytest.mark.databases("sqlite")
def test_a_password_is_right_in_any_form_of_unicode(database: Engine) -> None:
    add_person(password="über die Flüsse gehen")
    for typed in ("über die Flüsse gehen", "u\u0308ber die Flu\u0308sse gehen", "über\u00a0die Flüsse gehen"):
        assert sign_in(anonymous(), password=typed).status_code == 200
    assert sign_in(anonymous(), password="Über die Flüsse gehen").status_code == 401


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("role", "may_read", "may_write", "may_make_users"),
    [(Role.VIEWER, 200, 403, 403), (Role.OPERATOR, 200, 422, 403), (Role.ADMIN, 200, 422, 422)],
)
def test_a_role_opens_the_routes_of_its_scopes(
    database: Engine, role: Role, may_read: int, may_write: int, may_make_users: int
) -> None:
    add_person(role=role)
    client = client_of()
    assert client.get(JOBS).status_code == may_read
    assert client.post(JOBS, json={}).status_code == may_write
    assert client.post("/api/v1/users/register", json={}).status_code == may_make_users


@pytest.mark.databases("sqlite")
def test_a_role_that_is_taken_away_and_a_user_who_is_disabled_count_within_a_second(database: Engine) -> None:
    add_person(role=Role.ADMIN)
    client = client_of()
    assert client.post(JOBS, json={}).status_code == 422
    with transaction() as session:
        administration.set_role(session, email=ANN, role=Role.VIEWER)
    wait_until(lambda: client.post(JOBS, json={}).status_code == 403, seconds=6, what="the role counts")
    with transaction() as session:
        administration.disable(session, email=ANN)
    is_refused(client)
    with transaction() as session:
        administration.enable(session, email=ANN)
    assert client.get(ME).status_code == 401, "the session has ended for good"


@pytest.mark.databases("sqlite")
def test_an_api_token_is_nobody_who_signed_in(database: Engine) -> None:
    change = {"current_password": PASSWORD, "new_password": NEW}
    for method, path, body in (
        ("GET", ME, None),
        ("POST", SIGN_OUT, None),
        ("POST", EVERYWHERE, None),
        ("POST", CHANGE, change),
    ):
        answer = client_for().request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_signed_in")


def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_session(database: Engine) -> None:
    add_person()
    client = anonymous()
    first = sign_in(client).json()
    client.headers["Authorization"] = f"Bearer {first['access_token']}"
    assert client.get(ME).status_code == 200
    status, second = refresh(first["refresh_token"])
    assert (status, second[:4]) == (200, "gwr_")
    _, third = refresh(second)
    assert refresh(first["refresh_token"]) == (401, "reused_refresh_token")
    assert refresh(third) == (401, "invalid_refresh_token"), "the family has ended, its newest included"
    is_refused(client)


def test_a_refresh_token_used_by_two_at_once_ends_the_session(database: Engine) -> None:
    add_person()
    pair = sign_in(anonymous()).json()
    answers: list[tuple[int, str]] = []
    ready = threading.Barrier(4)

    def use() -> None:
        ready.wait()
        answers.append(refresh(pair["refresh_token"]))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (good,) = [token for status, token in answers if status == 200]
    assert [code for status, code in answers if status != 200] == ["reused_refresh_token"] * 3
    assert refresh(good) == (401, "invalid_refresh_token")
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(RefreshToken)) == 2


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("token", ["", "x", "gwr_" + "x" * 43, "gwr_" + "x" * 900, "gwr_é" + "x" * 42])
def test_what_is_no_refresh_token_is_refused(database: Engine, token: str) -> None:
    assert refresh(token) == (401, "invalid_refresh_token")


@pytest.mark.databases("sqlite")
def test_a_disabled_user_gets_no_further_tokens(database: Engine) -> None:
    add_person()
    pair = sign_in(anonymous()).json()
    with transaction() as session:
        administration.disable(session, email=ANN)
    assert refresh(pair["refresh_token"]) == (401, "invalid_refresh_token")


def test_what_signs_out_ends_and_the_others_go_on(database: Engine) -> None:
    add_person()
    pair = sign_in(anonymous()).json()
    leaving, staying = anonymous(), client_of()
    leaving.headers["Authorization"] = f"Bearer {pair['access_token']}"
    assert leaving.post(SIGN_OUT).status_code == HTTPStatus.NO_CONTENT
    assert refresh(pair["refresh_token"]) == (401, "invalid_refresh_token")
    is_refused(leaving)
    assert staying.get(ME).status_code == 200


def test_signing_out_everywhere_ends_all_sessions_of_one_user(database: Engine) -> None:
    add_person()
    add_person("bob@example.org")
    browser = anonymous()
    sign_in(browser, keep="cookie")
    clients, other = [client_of(), client_of(), browser], client_of("bob@example.org")
    assert clients[0].post(EVERYWHERE).status_code == HTTPStatus.NO_CONTENT
    for client in clients:
        is_refused(client)
    assert other.get(ME).status_code == 200


@pytest.mark.databases("sqlite")
def test_a_browser_has_a_cookie_that_no_script_reads_and_shows_a_token_beside_it(database: Engine) -> None:
    add_person(role=Role.OPERATOR)
    browser = anonymous()
    answer = sign_in(browser, keep="cookie")
    name, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert name.startswith("groundwork_session=gws_")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=lax"]
    shown = answer.json()
    assert set(shown) == {"csrf_token"}
    assert browser.get(ME).json()["csrf_token"] == shown["csrf_token"], (
        "a page that is loaded anew asks for it"
    )
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": b"\xff"}):
        refused = browser.post(JOBS, json={}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_refused")
    assert browser.post(JOBS, json={}, headers={"X-CSRF-Token": shown["csrf_token"]}).status_code == 422
    gone = browser.post(SIGN_OUT, headers={"X-CSRF-Token": shown["csrf_token"]})
    assert 'groundwork_session=""' in gone.headers["Set-Cookie"]
    assert browser.get(ME).json()["code"] == "missing_token"


@pytest.mark.databases("sqlite")
def test_the_csrf_token_of_one_session_is_none_for_another(database: Engine) -> None:
    add_person()
    first, second = anonymous(), anonymous()
    token = sign_in(first, keep="cookie").json()["csrf_token"]
    sign_in(second, keep="cookie")
    assert second.post(SIGN_OUT, headers={"X-CSRF-Token": token}).json()["code"] == "csrf_refused"


@pytest.mark.databases("sqlite")
def test_behind_tls_the_cookie_is_bound_to_the_host(database: Engine) -> None:
    add_person()
    browser = TestClient(app, base_url="https://testserver", raise_server_exceptions=False)
    cookie = sign_in(browser, keep="cookie").headers["Set-Cookie"]
    assert cookie.startswith("__Host-groundwork_session=gws_")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert browser.get(ME).status_code == 200
    # A neighbour on the domain, or without TLS, can set the plain name alone.
    browser.cookies.clear()
    browser.cookies.set("groundwork_session", cookie.partition("=")[2].partition(";")[0])
    assert browser.get(ME).json()["code"] == "missing_token"


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("cookie", ["", "x", "gws_", "gws_" + "x" * 43, "gws_" + "x" * 50, "é", "a=b; ; =;;"])
def test_a_cookie_that_is_none_lets_nobody_in(database: Engine, cookie: str) -> None:
    headers = {"Cookie": f"groundwork_session={cookie}".encode("latin-1")}
    assert anonymous().get(ME, headers=headers).status_code == 401


def test_no_secret_is_stored_as_it_is_and_none_is_shown_twice(database: Engine) -> None:
    add_person()
    pair = sign_in(anonymous()).json()
    cookie = sign_in(anonymous(), keep="cookie").headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    with reading() as session:
        rows = [*session.execute(select(RefreshToken.digest)), *session.execute(select(SignInSession.digest))]
        hashes = session.scalars(select(Password.password_hash)).all()
    stored = f"{rows} {hashes}"
    for secret in (pair["refresh_token"], pair["access_token"], cookie, PASSWORD):
        assert secret not in stored


def test_another_password_ends_the_other_sessions_and_the_old_one_is_wrong(database: Engine) -> None:
    add_person()
    pair = sign_in(anonymous()).json()
    changing, other = client_of(), client_of()
    answer = changing.post(CHANGE, json={"current_password": PASSWORD, "new_password": NEW})
    assert answer.status_code == HTTPStatus.NO_CONTENT
    is_refused(other)
    assert refresh(pair["refresh_token"]) == (401, "invalid_refresh_token")
    assert changing.get(ME).status_code == 200
    assert sign_in(anonymous()).status_code == 401
    assert sign_in(anonymous(), password=NEW).status_code == 200


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("wide rivers run quickly", NEW, "wrong_current_password"),
        ("", NEW, "wrong_current_password"),
        (PASSWORD, "short", "weak_password"),
        (PASSWORD, "passwordpassword", "weak_password"),
        (PASSWORD, "ann@example.org", "weak_password"),
        (PASSWORD, "x" * 300, "unusable_password"),
        (PASSWORD, "slow rivers\tcarve the valley", "unusable_password"),
    ],
)
def test_a_password_that_may_not_be_changed_so_stays(
    database: Engine, current: str, new: str, code: str
) -> None:
    add_person()
    client, other = client_of(), client_of()
    refused = client.post(CHANGE, json={"current_password": current, "new_password": new})
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert new not in refused.text
    assert other.get(ME).status_code == 200
    assert sign_in(anonymous()).status_code == 200


@pytest.mark.databases("sqlite")
def test_who_signs_in_has_the_password_hashed_with_the_parameters_of_today(database: Engine) -> None:
    user_id = add_person()
    old = PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1).hash(PASSWORD)
    with transaction() as session:
        session.execute(update(Password).values(password_hash=old))
    assert sign_in(anonymous(), password="wide rivers run quickly").status_code == 401
    with reading() as session:
        assert session.get_one(Password, user_id).password_hash == old
    client = client_of()
    with reading() as session:
        assert "m=19456,t=2" in session.get_one(Password, user_id).password_hash
    assert client.get(ME).status_code == 200, "no session has ended"
    assert sign_in(anonymous()).status_code == 200


def logins() -> list[tuple[str, str | None, str]]:
    """What the login log will say once workers have written it: outcome, name and message."""
    with reading() as session:
        kwargs = session.scalars(
            select(Job.kwargs).where(Job.task == LOGIN_TASK).order_by(Job.accepted_at, Job.id)
        ).all()
    records = [record for one in kwargs for record in one["records"]]
    return [(record["status"], record["user_name"], record["message"]) for record in records]


def test_the_login_log_knows_who_signed_in_and_who_was_refused(database: Engine) -> None:
    user_id = add_person()
    sign_in(anonymous(), ANN)
    sign_in(anonymous(), ANN, "wide rivers run quickly")
    sign_in(anonymous(), "nobody@example.org")
    assert [(status, name) for status, name, _ in logins()] == [
        ("success", ANN),
        ("failure", ANN),
        ("failure", "nobody@example.org"),
    ]
    with reading() as session:
        written = str(session.scalars(select(Job.kwargs).where(Job.task == LOGIN_TASK)).all())
    assert f"'user_id': {user_id}" in written
    assert "rivers" not in written
    assert PASSWORD not in written


def test_what_waits_for_the_end_of_a_pause_is_not_written_down(database: Engine) -> None:
    add_person()
    answers = [sign_in(anonymous(), ANN, "wide rivers run quickly").status_code for _ in range(12)]
    assert 429 in answers
    assert len(logins()) == answers.count(401)
