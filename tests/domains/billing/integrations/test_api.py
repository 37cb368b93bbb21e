"""People connect accounts over HTTP and take them away again; Slack sends events."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import func, select, update

from app.db.sessions import reading, transaction
from app.domains.billing.integrations.api import EVENTS_PATH
from app.domains.billing.integrations.models import Health, Integration, OAuthState, SlackBinding, SyncedEvent
from app.domains.billing.integrations.slack import handling
from app.jobs.ledger.models import Job
from tests.api_client import anonymous, client_for
from tests.domains.accounts.people import add_person, client_of
from tests.domains.billing.integrations.sides import REDIRECT_URL
from tests.domains.billing.integrations.stored import change, integration, now
from tests.fakes.oauth import problem
from tests.fakes.slack import TEAM, Signed, event, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from tests.fakes.google import GoogleServer
    from tests.fakes.graph import GraphServer
    from tests.fakes.slack import SlackServer

pytestmark = pytest.mark.databases("sqlite")

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture
def ada(
    database: Engine,
    google: GoogleServer,
    graph: GraphServer,
    slack: SlackServer,
    configure: Callable[..., None],
) -> int:
    configure(oauth_redirect_url=REDIRECT_URL)
    return add_person(ADA)


def path(user_id: int, *more: object) -> str:
    return "/".join(map(str, (f"/api/v1/users/{user_id}/integrations", *more)))


def leave(client: TestClient, user_id: int, provider: str) -> dict[str, str]:
    """What the person's browser brings back from the provider."""
    answer = client.post(path(user_id, "authorizations"), json={"provider": provider})
    assert answer.status_code == 200, answer.text
    back = httpx.get(answer.json()["url"]).headers["location"]
    assert back.startswith(REDIRECT_URL)
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def come_back(client: TestClient, user_id: int, provider: str, given: dict[str, str]) -> Any:
    return client.post(path(user_id), json={"provider": provider, **given})


def connect(client: TestClient, user_id: int, provider: str) -> dict[str, Any]:
    answer = come_back(client, user_id, provider, leave(client, user_id, provider))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("provider", ["google", "outlook", "slack"])
def test_a_person_connects_an_account_and_sees_it(ada: int, provider: str) -> None:
    client = client_of(ADA)
    made = connect(client, ada, provider)
    assert (made["provider"], made["health"], made["is_enabled"]) == (provider, "healthy", True)
    assert client.get(path(ada)).json() == {"integrations": [made]}
    stored = integration(made["id"])
    secrets = (stored.access_token, stored.refresh_token)
    assert not any(secret in json.dumps(made) for secret in secrets if secret)


def test_who_connects_slack_is_bound_to_their_member(ada: int) -> None:
    connect(client_of(ADA), ada, "slack")
    with reading() as session:
        bound = session.execute(select(SlackBinding.user_id, SlackBinding.slack_user_id)).one()
    assert tuple(bound) == (ada, "U0ADA")


def test_a_state_is_good_once(ada: int) -> None:
    client = client_of(ADA)
    back = leave(client, ada, "google")
    assert come_back(client, ada, "google", back).status_code == 201
    again = come_back(client, ada, "google", back)
    assert (again.status_code, again.json()["code"]) == (409, "invalid_state")


def test_a_state_is_good_for_whoever_began(ada: int) -> None:
    bob = add_person(BOB)
    back = leave(client_of(ADA), ada, "google")
    stolen = come_back(client_of(BOB), bob, "google", back)
    assert (stolen.status_code, stolen.json()["code"]) == (409, "invalid_state")
    assert come_back(client_of(ADA), ada, "google", back).status_code == 201


def test_a_state_is_good_for_its_provider_and_its_time(ada: int) -> None:
    client = client_of(ADA)
    back = leave(client, ada, "google")
    elsewhere = come_back(client, ada, "outlook", back)
    assert "it was begun at google" in elsewhere.json()["detail"]
    with transaction() as session:
        session.execute(update(OAuthState).values(expires_at=now() - timedelta(seconds=1)))
    late = come_back(client, ada, "google", back)
    assert (late.status_code, "longer than 15 minutes" in late.json()["detail"]) == (409, True)


def test_old_states_are_swept(ada: int) -> None:
    client = client_of(ADA)
    leave(client, ada, "google")
    with transaction() as session:
        session.execute(update(OAuthState).values(expires_at=now() - timedelta(seconds=1)))
    leave(client, ada, "google")
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(OAuthState)) == 1


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"code": "", "state": "s"},
        {"code": "c" * 5_000, "state": "s"},
        {"code": "c", "state": "\ud800"},
        {"x": 1},
    ],
)
def test_a_way_back_that_cannot_be_is_refused(ada: int, given: dict[str, str]) -> None:
    answer = client_of(ADA).post(
        path(ada),
        content=json.dumps({"provider": "google", **given}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422, answer.text


def test_a_code_that_the_provider_refuses_is_said_so(ada: int, google: GoogleServer) -> None:
    client = client_of(ADA)
    google.plan("/token", problem(400, "invalid_grant"))
    answer = come_back(client, ada, "google", leave(client, ada, "google"))
    assert (answer.status_code, answer.json()["code"]) == (409, "grant_revoked")
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Integration)) == 0


def test_an_account_that_is_connected_again_is_the_same_and_works_again(
    ada: int, google: GoogleServer
) -> None:
    client = client_of(ADA)
    made = connect(client, ada, "google")
    change(made["id"], is_enabled=False, health=Health.BROKEN, error="gone")
    before = integration(made["id"])
    again = connect(client, ada, "google")
    after = integration(made["id"])
    assert (again["id"], again["health"], again["is_enabled"], again["error"]) == (
        made["id"],
        "healthy",
        True,
        None,
    )
    assert after.generation == before.generation + 1
    assert after.refresh_token != before.refresh_token


@pytest.mark.parametrize("provider", ["google", "outlook", "slack"])
def test_a_person_takes_an_account_away(
    ada: int, provider: str, google: GoogleServer, slack: SlackServer
) -> None:
    client = client_of(ADA)
    made = connect(client, ada, provider)
    with transaction() as session:
        session.add(event_of(made["id"]))
    assert client.delete(path(ada, made["id"])).status_code == 204
    assert client.get(path(ada)).json() == {"integrations": []}
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(SyncedEvent)) == 0
    if provider == "google":
        assert google.oauth.refresh_tokens == set()
    if provider == "slack":
        assert slack.tokens == set()
    assert client.delete(path(ada, made["id"])).status_code == 404


@pytest.mark.parametrize("provider", ["google", "slack"])
def test_a_permission_that_others_stand_on_is_not_taken_back(
    ada: int, provider: str, google: GoogleServer, slack: SlackServer
) -> None:
    bob = add_person(BOB)
    mine, theirs = connect(client_of(ADA), ada, provider), connect(client_of(BOB), bob, provider)
    assert client_of(ADA).delete(path(ada, mine["id"])).status_code == 204
    good = google.oauth.refresh_tokens | slack.tokens
    stored = integration(theirs["id"])
    assert (stored.refresh_token or stored.access_token) in good
    assert client_of(BOB).delete(path(bob, theirs["id"])).status_code == 204
    # Slack knows a workspace by one token; this fake gives one to each who comes.
    assert stored.refresh_token not in google.oauth.refresh_tokens
    assert stored.access_token not in slack.tokens


def test_an_account_is_taken_away_although_the_provider_does_not_answer(
    ada: int, google: GoogleServer
) -> None:
    client = client_of(ADA)
    made = connect(client, ada, "google")
    google.plan("/revoke", problem(500, "server_error"))
    assert client.delete(path(ada, made["id"])).status_code == 204
    assert client.get(path(ada)).json() == {"integrations": []}


def test_nobody_reaches_anothers_accounts(ada: int) -> None:
    made = connect(client_of(ADA), ada, "google")
    bob, client = add_person(BOB), client_of(BOB)
    assert client.get(path(ada)).status_code == 404
    assert client.post(path(ada, "authorizations"), json={"provider": "google"}).status_code == 404
    assert client.delete(path(ada, made["id"])).status_code == 404
    # By their own way there is nothing of another's either.
    assert client.delete(path(bob, made["id"])).status_code == 404
    assert integration(made["id"]).is_enabled


def test_a_provider_that_is_off_says_so(ada: int, configure: Callable[..., None]) -> None:
    configure(google_client_id="")
    answer = client_of(ADA).post(path(ada, "authorizations"), json={"provider": "google"})
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("Google is off: set GROUNDWORK_GOOGLE_CLIENT_ID")
    configure(oauth_redirect_url="")
    answer = client_of(ADA).post(path(ada, "authorizations"), json={"provider": "outlook"})
    assert "GROUNDWORK_OAUTH_REDIRECT_URL" in answer.json()["detail"]
    assert client_of(ADA).post(path(ada, "authorizations"), json={"provider": "yahoo"}).status_code == 422


def test_a_user_who_is_not_there_connects_nothing(ada: int) -> None:
    client = client_for("billing:read", "billing:write")
    assert client.get(path(4711)).status_code == 404
    assert client.post(path(4711, "authorizations"), json={"provider": "google"}).status_code == 404


def event_of(integration_id: int) -> SyncedEvent:
    return SyncedEvent(
        integration_id=integration_id,
        event_id="e1",
        version="1",
        starts_at=now(),
        ends_at=now(),
        all_day=False,
        title="Meeting",
        status="confirmed",
        attendance="accepted",
        is_deleted=False,
        is_captured=False,
        reading=1,
        changed_at=now(),
    )


# Slack's events


def send(signed: Signed) -> Any:
    return anonymous().post(EVENTS_PATH, content=signed.body, headers=signed.headers)


def handled() -> list[dict[str, Any]]:
    with reading() as session:
        return list(session.scalars(select(Job.kwargs).where(Job.task == handling.HANDLE_TASK)))


def test_slack_is_answered_that_the_endpoint_is_ours(ada: int) -> None:
    answer = send(sign(json.dumps({"type": "url_verification", "challenge": "abc"}).encode()))
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


def test_an_event_is_handled_once_however_often_it_comes(ada: int) -> None:
    body = event("user_profile_changed", user={"id": "U0ADA"})
    for retry in range(3):
        signed = sign(body, x_slack_retry_num=str(retry), x_slack_retry_reason="http_timeout")
        assert send(signed).status_code == 200
    assert handled() == [{"kind": "user_profile_changed", "team_id": TEAM, "user_id": "U0ADA"}]


def test_a_request_that_is_not_slacks_is_refused_and_does_nothing(ada: int) -> None:
    body = event("user_profile_changed", user={"id": "U0ADA"})
    old = (now() - timedelta(minutes=6)).timestamp()
    for forged in (sign(body, secret="another"), sign(body, at=old), Signed(headers={}, body=body)):
        answer = send(forged)
        assert answer.status_code == 401
    assert handled() == []


def test_a_signed_request_without_an_event_is_one_sentence(ada: int) -> None:
    answer = send(sign(b'{"type": "event_callback"}'))
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_event")
