"""The port to Google Calendar. Every call takes a turn, ends in time, and fails in one of few ways.

By hand over httpx: Google's client for its REST APIs fetches a description of each before the first call,
and what is called are two paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations.calling import Operation
from app.domains.billing.integrations.facts import Account
from app.domains.billing.integrations.google import parsers
from app.domains.billing.integrations.google.error_mapping import failure
from app.domains.billing.integrations.google.sign_in import NAME, hosts
from app.domains.billing.integrations.listing import Listing
from app.domains.billing.integrations.reading import member, object_of, page_token
from app.outbound.deliveries import turns
from app.outbound.json_fields import InvalidField, identifier, text
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from app.domains.billing.integrations.cursors import Cursor
    from app.domains.billing.integrations.facts import Changes

PAGE_SIZE = 250
#: What of a page is of use; the rest of an event may be many times as long.
FIELDS = (
    "nextPageToken,nextSyncToken,items(id,etag,status,summary,start,end,recurringEventId,originalStartTime,"
    "attendees(self,responseStatus),organizer(self),updated)"
)
#: Birthdays and places of work are nothing that anybody does.
EVENT_TYPES = ("default", "focusTime", "fromGmail", "outOfOffice")


def take_turn() -> None:
    """Take one of the turns that all processes share; nothing may be uncommitted. Raises `NotYourTurn`."""
    turns.take("google-calendar", per_minute=settings().google_per_minute)


@dataclass(frozen=True, kw_only=True)
class GoogleCalendar:
    """A person's own calendar; `turn` is called before each request, and `zone` is the person's.

    Raises `AccessTokenRefused`, `RateLimited`, `ProviderUnavailable` and `ProviderRefused`.
    """

    zone: tzinfo = UTC
    turn: Callable[[], None] = take_turn

    def account(self, access_token: str) -> Account:
        """Whose calendar it is: the cheapest call there is."""
        operation = Operation(provider=NAME, name="calendars.get", hiding=(access_token,))
        told = self._ask(operation, access_token, "calendars/primary")
        try:
            return Account(id=identifier(told, "id"), name=text(told, "summary") or "")
        except InvalidField as error:
            raise operation.malformed(str(error)) from None

    def changes(self, access_token: str, cursor: Cursor) -> Changes:
        """The page at `cursor`. Raises `SyncTokenExpired`."""
        operation = Operation(provider=NAME, name="events.list", hiding=(access_token,))
        told = self._ask(operation, access_token, "calendars/primary/events", params=_params(cursor))
        listing = Listing(window=cursor.window)
        rows = member(told, "items", list, operation=operation) if "items" in told else []
        listing.read(rows, partial(parsers.event, zone=self.zone))
        page = page_token(told, "nextPageToken", operation=operation)
        if page is not None:
            return listing.changes(next_token=cursor.at_page(page).text, has_more=True)
        sync = page_token(told, "nextSyncToken", operation=operation)
        if sync is None:
            raise operation.malformed("it names neither a next page nor a sync token")
        return listing.changes(next_token=cursor.after(sync).text, has_more=False)

    def _ask(self, operation: Operation, access_token: str, path: str, **request: Any) -> dict[str, Any]:
        self.turn()
        reply = operation.ask_as(access_token, f"{hosts().api}/calendar/v3/{path}", **request)
        if not reply.is_success:
            raise failure(reply, operation=operation)
        return object_of(reply.body, operation=operation)


def _params(cursor: Cursor) -> dict[str, Any]:
    """All but the tokens must be the same for every page and every sync; with a sync token, no window."""
    params: dict[str, Any] = {
        "singleEvents": "true",
        "maxAttendees": 1,
        "maxResults": PAGE_SIZE,
        "eventTypes": list(EVENT_TYPES),
        "fields": FIELDS,
    }
    if cursor.page is not None:
        params["pageToken"] = cursor.page
    if cursor.sync is not None:
        return params | {"syncToken": cursor.sync}
    window = cursor.window
    return params | {"timeMin": window.starts_at.isoformat(), "timeMax": window.ends_at.isoformat()}
