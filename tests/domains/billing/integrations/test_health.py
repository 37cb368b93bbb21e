"""How a connection is, as its person is told: once when that changes, and not while it stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.domains.billing.integrations.models import Health
from tests.domains.billing.integrations.sides import google_side, graph_side
from tests.domains.billing.integrations.stored import check, connect, connect_slack, integration, told
from tests.fakes.http_server import Answer
from tests.fakes.slack import TEST, no

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.domains.billing.integrations.sides import Side
    from tests.fakes.google import GoogleServer
    from tests.fakes.slack import SlackServer


@pytest.fixture(params=["google", "graph"])
def side(request: pytest.FixtureRequest, database: Engine) -> Side:
    server = request.getfixturevalue(request.param)
    return google_side(server) if request.param == "google" else graph_side(server)


pytestmark = pytest.mark.databases("sqlite")


def fail(side: Side, *, times: int) -> None:
    side.server.plan(side.account, *[Answer(status=503)] * times)


def test_a_connection_that_works_is_healthy_and_nobody_is_told(side: Side) -> None:
    connected = connect(side)
    assert check(connected) == Health.HEALTHY
    assert integration(connected).checked_at is not None
    assert told() == []


def test_failures_make_it_degraded_then_broken_and_each_change_is_told_once(side: Side) -> None:
    connected = connect(side)
    fail(side, times=8)
    states = [check(connected) for _ in range(8)]
    assert states == [Health.HEALTHY, *[Health.DEGRADED] * 4, *[Health.BROKEN] * 3]
    name = "Google Calendar" if side.name == "Google" else "Outlook"
    assert told() == [f"{name} does not answer", f"{name} is not read any more"]
    assert "HTTP 503" in str(integration(connected).error)
    assert check(connected) == Health.HEALTHY
    assert told()[-1].endswith("works again")
    assert integration(connected).error is None


def test_one_failure_alone_is_not_told(side: Side) -> None:
    connected = connect(side)
    fail(side, times=1)
    assert [check(connected), check(connected)] == [Health.HEALTHY, Health.HEALTHY]
    assert told() == []


def test_a_permission_that_is_gone_breaks_it_at_once(side: Side) -> None:
    connected = connect(side)
    side.server.oauth.revoke()
    assert [check(connected), check(connected)] == [Health.BROKEN, Health.BROKEN]
    assert integration(connected).is_enabled is False
    assert len(told()) == 1


def test_tokens_that_end_soon_are_refreshed(google: GoogleServer, database: Engine) -> None:
    connected = connect(google_side(google), expires_at=datetime.now(UTC) + timedelta(minutes=30))
    check(connected)
    assert integration(connected).generation == 2
    check(connected)
    assert integration(connected).generation == 2


def test_slack_is_checked_by_whom_its_token_stands_for(slack: SlackServer, database: Engine) -> None:
    connected = connect_slack(slack)
    assert check(connected) == Health.HEALTHY
    slack.plan(TEST, no("account_inactive"))
    assert check(connected) == Health.BROKEN
    assert told() == ["Slack is not read any more"]
