"""The two calendars of a test, each with the fake behind it, asked in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations import calendars
from app.domains.billing.integrations.cursors import Cursor
from app.domains.billing.integrations.facts import Window
from app.domains.billing.integrations.google.client import GoogleCalendar
from app.domains.billing.integrations.outlook.client import OutlookCalendar
from tests.fakes import google as fake_google
from tests.fakes import graph as fake_graph
from tests.fakes import slack as fake_slack
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from app.domains.billing.integrations.facts import CalendarEvent, Changes
    from tests.fakes.google import GoogleServer
    from tests.fakes.graph import GraphServer
    from tests.fakes.slack import SlackServer

REDIRECT_URL = "https://billing.example.org/connected"
WINDOW = Window(starts_at=datetime(2026, 2, 1, tzinfo=UTC), ends_at=datetime(2026, 5, 1, tzinfo=UTC))
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)


def no_turn(*_names: str) -> None:
    """What a port asks that nobody else uses."""


def point_at_google(server: GoogleServer) -> dict[str, Any]:
    return {"google_url": server.url, "google_client_id": CLIENT_ID, "google_client_secret": CLIENT_SECRET}


def point_at_graph(server: GraphServer) -> dict[str, Any]:
    keys = {"microsoft_client_id": CLIENT_ID, "microsoft_client_secret": CLIENT_SECRET}
    return {"microsoft_url": server.url, **keys}


def point_at_slack(server: SlackServer) -> dict[str, Any]:
    keys = {"slack_client_id": CLIENT_ID, "slack_client_secret": CLIENT_SECRET}
    return {"slack_url": server.url, "slack_signing_secret": fake_slack.SIGNING_SECRET, **keys}


def connectable() -> dict[str, Any]:
    """Settings with which people can be sent to each provider, and none of them is reached."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    urls = dict.fromkeys(("google_url", "microsoft_url", "slack_url"), nowhere)
    names = ("google", "microsoft", "slack")
    keys = {f"{name}_client_id": CLIENT_ID for name in names}
    keys |= {f"{name}_client_secret": CLIENT_SECRET for name in names}
    return {**urls, **keys, "oauth_redirect_url": REDIRECT_URL}


@dataclass
class Side:
    """A provider's fake with a person signed in, and the port to it."""

    name: str
    server: GoogleServer | GraphServer
    port: type[GoogleCalendar | OutlookCalendar]
    events: str
    account: str
    access_token: str = ""

    def __post_init__(self) -> None:
        self.access_token, _ = self.server.oauth.sign_in()

    def problem(self, status: int, reason: str, **headers: str) -> Any:
        """An error in the provider's form."""
        return (fake_google if self.name == "Google" else fake_graph).problem(status, reason, **headers)

    def page(self, cursor: Cursor | None = None, *, zone: tzinfo = UTC) -> Changes:
        port = self.port(zone=zone, turn=no_turn)
        return port.changes(self.access_token, cursor or Cursor(window=WINDOW))

    def pages(self, cursor: Cursor | None = None, *, zone: tzinfo = UTC) -> list[Changes]:
        """All pages from `cursor`, or from the beginning."""
        ask = lambda one: self.page(one, zone=zone)  # noqa: E731
        return list(calendars.pages(ask, cursor or Cursor(window=WINDOW), provider=self.name))

    def events_told(self, *, zone: tzinfo = UTC) -> Sequence[CalendarEvent]:
        return [event for page in self.pages(zone=zone) for event in page.events]


def google_side(server: GoogleServer) -> Side:
    return Side("Google", server, GoogleCalendar, fake_google.EVENTS, fake_google.PRIMARY)


def graph_side(server: GraphServer) -> Side:
    return Side("Microsoft", server, OutlookCalendar, fake_graph.DELTA, fake_graph.CALENDAR)
