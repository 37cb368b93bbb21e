"""Signing in at Google and Microsoft: the way there and back, codes, refresh tokens, and each refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

from app.domains.billing.integrations.errors import (
    GrantRevoked,
    InteractionRequired,
    MalformedAnswer,
    NoRefreshToken,
    NotConfigured,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ScopeMissing,
)
from app.domains.billing.integrations.google import sign_in as google_sign_in
from app.domains.billing.integrations.oauth import grants
from app.domains.billing.integrations.outlook import sign_in as microsoft_sign_in
from tests.domains.billing.integrations.sides import REDIRECT_URL, google_side
from tests.fakes import google as fake_google
from tests.fakes import graph as fake_graph
from tests.fakes.http_server import Answer
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET, Rotation, problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.billing.integrations.oauth.grants import Client, Grant
    from tests.domains.billing.integrations.sides import Side
    from tests.fakes.google import GoogleServer

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def client(side: Side) -> Client:
    return google_sign_in.client() if side.name == "Google" else microsoft_sign_in.client()


def token_path(side: Side) -> str:
    return fake_google.TOKEN if side.name == "Google" else fake_graph.TOKEN


def way_back(side: Side, *, verifier: str) -> dict[str, str]:
    """What a person's browser brings back who allowed everything."""
    url = grants.authorization_url(client(side), redirect_url=REDIRECT_URL, state="s/1+2", verifier=verifier)
    answer = httpx.get(url)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == REDIRECT_URL
    return {name: values[0] for name, values in parse_qs(target.query).items()}


def exchange(side: Side, *, code: str, verifier: str) -> Grant:
    return grants.exchange(client(side), code=code, verifier=verifier, redirect_url=REDIRECT_URL, now=NOW)


def signed_in(side: Side) -> Grant:
    verifier = grants.new_verifier()
    return exchange(side, code=way_back(side, verifier=verifier)["code"], verifier=verifier)


def refresh(side: Side, token: str = "1//0refresh-me") -> Grant:
    return grants.refresh(client(side), refresh_token=token, now=NOW)


def test_a_person_goes_there_and_comes_back(side: Side) -> None:
    verifier = grants.new_verifier()
    back = way_back(side, verifier=verifier)
    assert back["state"] == "s/1+2"
    grant = exchange(side, code=back["code"], verifier=verifier)
    assert grant.expires_at == NOW + timedelta(hours=1)
    assert side.port(turn=lambda: None).account(grant.access_token)
    assert grant.refresh_token in side.server.oauth.refresh_tokens


def test_a_code_is_good_once_and_for_whoever_began(side: Side) -> None:
    verifier = grants.new_verifier()
    code = way_back(side, verifier=verifier)["code"]
    with pytest.raises(GrantRevoked):
        exchange(side, code=code, verifier=grants.new_verifier())
    code = way_back(side, verifier=verifier)["code"]
    exchange(side, code=code, verifier=verifier)
    with pytest.raises(GrantRevoked) as refused:
        exchange(side, code=code, verifier=verifier)
    assert code not in str(refused.value)


def test_the_challenge_is_the_one_of_the_standard() -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert grants.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert 43 <= len(grants.new_verifier()) <= 128
    assert grants.new_verifier() != grants.new_verifier()


def test_a_refresh_token_is_replaced_where_the_answer_has_another(side: Side) -> None:
    before = signed_in(side)
    side.server.oauth.rotation = Rotation.USED_UP
    after = refresh(side, str(before.refresh_token))
    assert after.refresh_token not in (None, before.refresh_token)
    assert after.access_token != before.access_token
    side.server.oauth.rotation = Rotation.KEPT
    assert refresh(side, str(after.refresh_token)).refresh_token is None


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "invalid_grant", GrantRevoked),
        (400, "interaction_required", InteractionRequired),
        (400, "consent_required", InteractionRequired),
        (401, "invalid_client", ProviderRefused),
        (400, "invalid_scope", ProviderRefused),
        (400, "temporarily_unavailable", ProviderUnavailable),
        (429, "slow_down", RateLimited),
        (500, "invalid_grant", ProviderUnavailable),
        (503, "server_error", ProviderUnavailable),
    ],
)
def test_each_refusal_is_told_apart(side: Side, status: int, code: str, expected: type[Exception]) -> None:
    side.server.plan(token_path(side), problem(status, code, f"1//0refresh-me and {CLIENT_SECRET} are void"))
    with pytest.raises(expected, match=code) as refused:
        refresh(side)
    assert type(refused.value) is expected
    assert "refresh-me" not in str(refused.value)
    assert CLIENT_SECRET not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b'{"error": ["x"]}', b'{"error": "<b>"}'])
def test_a_refusal_in_an_odd_form_is_one(side: Side, body: bytes) -> None:
    side.server.plan(token_path(side), Answer(status=400, body=body))
    with pytest.raises(ProviderRefused, match="HTTP 400"):
        refresh(side)


def test_a_secret_that_is_wrong_is_the_operators_to_set(side: Side, configure: Callable[..., None]) -> None:
    configure(**{f"{side.name.lower()}_client_secret": "wrong"})
    with pytest.raises(
        ProviderRefused, match=f"Set the client's id and secret to what {side.name} shows"
    ) as refused:
        refresh(side)
    assert not isinstance(refused.value, GrantRevoked)


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 5},
        {"access_token": "two words"},
        {"access_token": "a\r\nX-Admin: 1"},
        {"access_token": "\ud800"},
        {"access_token": "x" * 20_000},
        {"refresh_token": ["x"]},
        {"refresh_token": ""},
        {"token_type": "mac"},
        {"token_type": None},
    ],
)
def test_an_answer_without_a_usable_token_is_malformed(side: Side, changes: dict[str, Any]) -> None:
    told = {"access_token": "ya29.good", "expires_in": 60, "token_type": "Bearer", **changes}
    side.server.plan(token_path(side), Answer(status=200, body=told))
    with pytest.raises(MalformedAnswer, match="cannot be read"):
        refresh(side)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (60, timedelta(seconds=60)),
        ("60", timedelta(seconds=60)),
        (None, grants.UNKNOWN_LIFE),
        (0, grants.UNKNOWN_LIFE),
        (-5, grants.UNKNOWN_LIFE),
        (True, grants.UNKNOWN_LIFE),
        (1.5, grants.UNKNOWN_LIFE),
        (float("nan"), grants.UNKNOWN_LIFE),
        (10**25, grants.MAX_LIFE),
        ("9" * 5_000, grants.UNKNOWN_LIFE),
    ],
)
def test_an_odd_life_does_not_lose_the_refresh_token_beside_it(
    side: Side, seconds: Any, expected: timedelta
) -> None:
    told = {
        "access_token": "ya29.x",
        "refresh_token": "1//0new",
        "token_type": "bearer",
        "expires_in": seconds,
    }
    side.server.plan(token_path(side), Answer(status=200, body=told))
    grant = refresh(side)
    assert (grant.refresh_token, grant.expires_at) == ("1//0new", NOW + expected)


def test_access_that_would_not_last_is_none(side: Side) -> None:
    side.server.oauth.gives_refresh_token = False
    with pytest.raises(NoRefreshToken, match=f"{side.name} gave no lasting access"):
        signed_in(side)


def test_a_person_may_have_allowed_less(side: Side) -> None:
    side.server.oauth.scope = "openid email"
    with pytest.raises(ScopeMissing, match=r"was not allowed .*alendar"):
        signed_in(side)


def test_no_secret_shows_where_a_grant_does(side: Side) -> None:
    grant = signed_in(side)
    shown = repr(grant) + repr(client(side))
    assert not any(
        secret in shown for secret in (grant.access_token, str(grant.refresh_token), CLIENT_SECRET)
    )


def test_googles_own_library_signs_in_at_the_fake(google: GoogleServer) -> None:
    _, refresh_token = google.oauth.sign_in()
    token_url = f"{google.url}{fake_google.TOKEN}"
    known = Credentials(
        None,
        refresh_token=refresh_token,
        token_uri=token_url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    known.refresh(Request())
    assert known.valid
    google.oauth.revoke()
    with pytest.raises(RefreshError, match="invalid_grant"):
        known.refresh(Request())


def test_a_permission_can_be_taken_back_at_google(google: GoogleServer) -> None:
    side = google_side(google)
    grant = signed_in(side)
    google_sign_in.revoke(str(grant.refresh_token))
    with pytest.raises(GrantRevoked):
        refresh(side, str(grant.refresh_token))
    with pytest.raises(ProviderRefused):
        google_sign_in.revoke(str(grant.refresh_token))


def test_a_provider_without_settings_is_off_and_says_so(side: Side, configure: Callable[..., None]) -> None:
    name = side.name.lower()
    configure(**{f"{name}_client_id": "", f"{name}_client_secret": ""})
    with pytest.raises(NotConfigured) as off:
        client(side)
    variables = f"GROUNDWORK_{name.upper()}_CLIENT_ID and GROUNDWORK_{name.upper()}_CLIENT_SECRET"
    assert str(off.value).startswith(f"{side.name} is off: set {variables} to")


def test_without_urls_of_trials_people_go_to_the_providers(configure: Callable[..., None]) -> None:
    configure(
        google_client_id="a", google_client_secret="b", microsoft_client_id="c", microsoft_client_secret="d"
    )
    google, microsoft = google_sign_in.client(), microsoft_sign_in.client()
    assert google.authorize_url == "https://accounts.google.com/o/oauth2/v2/auth"
    assert google.token_url == "https://oauth2.googleapis.com/token"
    assert microsoft.token_url == "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    assert microsoft_sign_in.graph() == "https://graph.microsoft.com/v1.0"
