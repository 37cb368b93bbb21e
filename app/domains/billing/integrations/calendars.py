"""Calendars alike, whoever keeps them: who signs people in there, and page after page of what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.domains.billing.integrations.cursors import cursor_of
from app.domains.billing.integrations.errors import EndlessPages
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.google import sign_in as google
from app.domains.billing.integrations.google.client import GoogleCalendar
from app.domains.billing.integrations.outlook import sign_in as microsoft
from app.domains.billing.integrations.outlook.client import OutlookCalendar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from app.domains.billing.integrations.cursors import Cursor
    from app.domains.billing.integrations.facts import Account, Changes
    from app.domains.billing.integrations.oauth.grants import Client

#: More than any person has events for.
MAX_PAGES = 2_000


class Calendar(Protocol):
    """What each port to a calendar does. The first argument is an access token."""

    def account(self, access_token: str, /) -> Account:
        """Whose calendar it is."""

    def changes(self, access_token: str, cursor: Cursor, /) -> Changes:
        """The page at `cursor`. Raises `SyncTokenExpired`."""


def calendar_of(provider: Provider, *, zone: tzinfo) -> Calendar:
    """The port to a provider's calendars; `zone` is that of the person."""
    return GoogleCalendar(zone=zone) if provider is Provider.GOOGLE else OutlookCalendar(zone=zone)


def client_of(provider: Provider) -> Client:
    """This application at a provider of calendars. Raises `NotConfigured`."""
    return google.client() if provider is Provider.GOOGLE else microsoft.client()


def pages(ask: Callable[[Cursor], Changes], cursor: Cursor, *, provider: str) -> Iterator[Changes]:
    """Page after page from `cursor`, each asked for when the one before it is done with.

    Raises `EndlessPages`, and what `ask` raises.
    """
    for number in range(1, MAX_PAGES + 1):
        page = ask(cursor)
        yield page
        if not page.has_more:
            return
        before, cursor = cursor, cursor_of(page.next_token, provider=provider)
        if cursor == before or number == MAX_PAGES:
            raise EndlessPages(provider=provider, pages=number)
