"""The port to Slack: profiles, tokens, messages, and each way in which Slack says no."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.domains.billing.integrations.errors import (
    AccessTokenRefused,
    GrantRevoked,
    MalformedAnswer,
    NoAnswer,
    NotConfigured,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ScopeMissing,
)
from app.domains.billing.integrations.facts import SlackStatus
from app.domains.billing.integrations.slack import sign_in
from app.domains.billing.integrations.slack.client import PER_MINUTE, Slack
from app.domains.billing.integrations.slack.messages import slack_provider
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.deliveries.models import Delivery
from app.outbound.deliveries.outcome import HandOver, Outcome
from app.outbound.deliveries.service import WhenUncertain
from tests.domains.billing.integrations.sides import REDIRECT_URL, no_turn
from tests.fakes.http_server import HANGS_UP, Answer
from tests.fakes.slack import ACCESS, BOT, POST, PROFILE, TEAM, TEAM_NAME, busy, no
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.slack import SlackServer

ADA = "U0ADA"
PORT = Slack(team_id=TEAM, turn=no_turn)


def ask(slack: SlackServer) -> SlackStatus:
    return PORT.status(slack.sign_in(), user_id=ADA)


def post(slack: SlackServer, text: str = "Book your hours.", *, to: str = ADA) -> Outcome:
    provider = slack_provider(access_token=slack.sign_in(), team_id=TEAM, when_uncertain=WhenUncertain.HOLD)
    return provider.send(Delivery(key="k", recipient=to, content={"text": text}), HandOver())


def way_back() -> str:
    """The code that a person's browser brings back."""
    answer = httpx.get(sign_in.authorization_url(redirect_url=REDIRECT_URL, state="s"))
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["state"] == ["s"]
    return back["code"][0]


def test_a_status_is_what_a_profile_says(slack: SlackServer) -> None:
    slack.set_status(ADA, "In a meeting", emoji=":spiral_calendar_pad:", expiration=1_772_445_600)
    assert ask(slack) == SlackStatus(
        text="In a meeting", emoji=":spiral_calendar_pad:", ends_at=datetime(2026, 3, 2, 10, tzinfo=UTC)
    )
    slack.set_status(ADA, "")
    assert ask(slack) == SlackStatus(text="", emoji="", ends_at=None)


def test_who_somebody_is_can_be_asked(slack: SlackServer) -> None:
    slack.set_status(ADA, "")
    user = PORT.user(slack.sign_in(), user_id=ADA)
    assert (user.id, user.timezone, user.is_deleted, user.is_bot) == (ADA, "Europe/Berlin", False, False)


def test_whom_a_token_stands_for_can_be_asked(slack: SlackServer) -> None:
    account = PORT.account(slack.sign_in())
    assert (account.id, account.team_id, account.team_name) == (BOT, TEAM, TEAM_NAME)


def test_a_permission_can_be_taken_back(slack: SlackServer) -> None:
    token = slack.sign_in()
    PORT.revoke(token)
    with pytest.raises(GrantRevoked):
        PORT.account(token)


def test_each_method_takes_its_own_turn_in_its_workspace(slack: SlackServer) -> None:
    slack.set_status(ADA, "")
    taken: list[tuple[str, str]] = []
    port = Slack(team_id=TEAM, turn=lambda method, team: taken.append((method, team)))
    port.account(slack.sign_in())
    port.user(slack.sign_in(), user_id=ADA)
    port.status(slack.sign_in(), user_id=ADA)
    assert taken == [(method, TEAM) for method in ("auth.test", "users.info", "users.profile.get")]
    assert {method for method, _ in taken} < set(PER_MINUTE)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("token_revoked", GrantRevoked),
        ("account_inactive", GrantRevoked),
        ("invalid_auth", GrantRevoked),
        ("not_authed", GrantRevoked),
        ("app_uninstalled", GrantRevoked),
        ("token_expired", AccessTokenRefused),
        ("ratelimited", RateLimited),
        ("internal_error", ProviderUnavailable),
        ("service_unavailable", ProviderUnavailable),
        ("user_not_found", ProviderRefused),
        ("something_new", ProviderRefused),
    ],
)
def test_each_no_is_told_apart(slack: SlackServer, error: str, expected: type[Exception]) -> None:
    slack.plan(PROFILE, no(error))
    with pytest.raises(expected, match=f"Slack refused users.profile.get: {error}") as refused:
        ask(slack)
    assert type(refused.value) is expected


def test_a_scope_that_is_missing_is_named(slack: SlackServer) -> None:
    slack.plan(PROFILE, no("missing_scope", needed="users.profile:read", provided="chat:write"))
    with pytest.raises(ScopeMissing, match=r'was not allowed "users.profile:read"'):
        ask(slack)


def test_the_pause_that_is_asked_for_is_kept(slack: SlackServer) -> None:
    slack.plan(PROFILE, busy(retry_after="30"), Answer(status=503))
    with pytest.raises(RateLimited) as limited:
        ask(slack)
    assert limited.value.after == timedelta(seconds=30)
    with pytest.raises(ProviderUnavailable, match="HTTP 503"):
        ask(slack)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"ok": "yes"}',
        b'{"ok": 1, "error": 5}',
        b'{"ok": false, "error": "<script>"}',
        b'{"ok": true}',
        b'{"ok": true, "profile": []}',
        b'{"ok": true, "profile": {"status_text": 5}}',
    ],
)
def test_an_answer_that_says_nothing_is_asked_for_again(slack: SlackServer, body: bytes) -> None:
    slack.plan(PROFILE, Answer(status=200, body=body))
    with pytest.raises(MalformedAnswer, match=r"users.profile.get cannot be read"):
        ask(slack)


@pytest.mark.parametrize("moment", [-(10**10), 10**11, 10**40, "soon", True, 1.5, math.nan, [1]])
def test_a_status_ends_at_a_time_or_not_at_all(slack: SlackServer, moment: Any) -> None:
    slack.set_status(ADA, "Away")
    slack.profiles[ADA]["status_expiration"] = moment
    with pytest.raises(MalformedAnswer, match="status_expiration"):
        ask(slack)


def test_a_status_is_one_line_of_what_can_be_seen(slack: SlackServer) -> None:
    slack.set_status(ADA, "In\x00 a\nmeeting \ud800")
    assert ask(slack).text == "In  a meeting \ufffd"


def test_a_slack_that_is_not_there_is_an_outage(slack: SlackServer, configure: Callable[..., None]) -> None:
    slack.plan(PROFILE, HANGS_UP)
    with pytest.raises(NoAnswer):
        ask(slack)
    configure(slack_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NoAnswer, match=r"Slack did not answer users.profile.get"):
        ask(slack)


def test_no_redirect_is_followed(slack: SlackServer) -> None:
    slack.plan(PROFILE, Answer(status=307, headers={"Location": f"{slack.url}/steal"}))
    with pytest.raises(ProviderRefused, match="a redirect"):
        ask(slack)
    assert slack.count("/steal") == 0


def test_a_workspace_takes_the_application_in(slack: SlackServer) -> None:
    code = way_back()
    grant = sign_in.exchange(code=code, redirect_url=REDIRECT_URL)
    assert (grant.team.id, grant.team.team_id, grant.team.team_name) == (ADA, TEAM, TEAM_NAME)
    assert PORT.account(grant.access_token).team_id == TEAM
    assert grant.access_token not in repr(grant)
    with pytest.raises(GrantRevoked, match="invalid_code"):
        sign_in.exchange(code=code, redirect_url=REDIRECT_URL)


def test_an_answer_that_names_no_workspace_is_malformed(slack: SlackServer) -> None:
    slack.plan(ACCESS, Answer(status=200, body={"ok": True, "access_token": "xoxb-1", "team": None}))
    with pytest.raises(MalformedAnswer, match=r"oauth.v2.access cannot be read"):
        sign_in.exchange(code="c", redirect_url=REDIRECT_URL)


def test_without_settings_slack_is_off_and_says_so(
    slack: SlackServer, configure: Callable[..., None]
) -> None:
    configure(slack_client_id="", slack_client_secret="")
    with pytest.raises(
        NotConfigured, match="Slack is off: set GROUNDWORK_SLACK_CLIENT_ID and GROUNDWORK_SLACK"
    ):
        sign_in.authorization_url(redirect_url=REDIRECT_URL, state="s")
    with pytest.raises(NotConfigured):
        sign_in.exchange(code="c", redirect_url=REDIRECT_URL)


def test_a_message_calls_nobody_and_opens_nothing(slack: SlackServer) -> None:
    slack.set_status(ADA, "")
    assert post(slack, "<!channel> & <https://evil.example|here>").provider_id == f"D{ADA}:1.000100"
    (message,) = slack.messages
    assert message["text"] == "&lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;"
    assert (message["link_names"], message["unfurl_links"], message["mrkdwn"]) == (False, False, False)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (busy(retry_after="30"), NotSent),
        (Answer(status=503), NotSent),
        (no("ratelimited"), NotSent),
        (no("fatal_error"), NotSent),
        (no("channel_not_found"), Refused),
        (no("token_revoked"), Refused),
        (Answer(status=200, body=b"?"), OutcomeUnknown),
        (HANGS_UP, OutcomeUnknown),
    ],
)
def test_it_is_known_whether_a_message_went_out(
    slack: SlackServer, answer: Answer, expected: type[Exception]
) -> None:
    slack.plan(POST, answer)
    with pytest.raises(expected) as raised:
        post(slack)
    assert "xoxb" not in str(raised.value)


def test_a_message_to_a_slack_that_is_not_there_was_not_sent(
    slack: SlackServer, configure: Callable[..., None]
) -> None:
    configure(slack_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotSent, match="Slack cannot be reached"):
        post(slack)
