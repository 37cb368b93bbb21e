"""The port to Outlook calendars. Every call takes a turn, ends in time, and fails in one of few ways.

By hand over httpx: Microsoft's client for Graph is tens of thousands of generated files, and what is called
are three paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app.domains.billing.integrations.calling import Operation
from app.domains.billing.integrations.errors import ProviderRefused, SyncTokenExpired
from app.domains.billing.integrations.facts import Account
from app.domains.billing.integrations.listing import Listing
from app.domains.billing.integrations.outlook import parsers
from app.domains.billing.integrations.outlook.error_mapping import failure
from app.domains.billing.integrations.outlook.links import is_own, link
from app.domains.billing.integrations.outlook.sign_in import NAME, graph
from app.domains.billing.integrations.reading import mapping_in, member, object_of
from app.outbound.deliveries import turns
from app.outbound.json_fields import InvalidField, identifier, text
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from app.domains.billing.integrations.cursors import Cursor
    from app.domains.billing.integrations.facts import Changes

#: Events come with all that is written in them, which no parameter of this call leaves out.
PAGE_SIZE = 50
SERIES = ",".join(parsers.INHERITED)
#: Ids stay the same when an event is moved to another calendar.
PREFER = f'odata.maxpagesize={PAGE_SIZE}, outlook.timezone="UTC", IdType="ImmutableId"'


def take_turn() -> None:
    """Take one of the turns that all processes share; nothing may be uncommitted. Raises `NotYourTurn`."""
    turns.take("microsoft-graph", per_minute=settings().microsoft_per_minute)


@dataclass(frozen=True, kw_only=True)
class OutlookCalendar:
    """A person's own calendar; `turn` is called before each request, and `zone` is the person's.

    Raises `AccessTokenRefused`, `RateLimited`, `ProviderUnavailable` and `ProviderRefused`.
    """

    zone: tzinfo = UTC
    turn: Callable[[], None] = take_turn

    def account(self, access_token: str) -> Account:
        """Whose calendar it is: the cheapest call there is."""
        operation = Operation(provider=NAME, name="calendar", hiding=(access_token,))
        told = self._ask(operation, access_token, f"{graph()}/me/calendar", params={"$select": "id,owner"})
        try:
            name = text(mapping_in(told, "owner"), "address")
            return Account(id=identifier(told, "id"), name=name or "")
        except InvalidField as error:
            raise operation.malformed(str(error)) from None

    def changes(self, access_token: str, cursor: Cursor) -> Changes:
        """The page at `cursor`. Raises `SyncTokenExpired`."""
        operation = Operation(provider=NAME, name="calendarView/delta", hiding=(access_token,))
        url, params = _place(cursor)
        told = self._ask(operation, access_token, url, params=params)
        rows = member(told, "value", list, operation=operation)
        series = _Series(
            known={
                row["id"]: row for row in rows if parsers.is_series(row) and isinstance(row.get("id"), str)
            },
            fetch=partial(self._series, access_token),
        )
        listing = Listing(window=cursor.window)
        listing.read(
            (row for row in rows if not parsers.is_series(row)),
            partial(parsers.event, zone=self.zone, series=series),
        )
        page = link(told, "@odata.nextLink", operation=operation)
        if page is not None:
            return listing.changes(next_token=cursor.at_page(page).text, has_more=True)
        sync = link(told, "@odata.deltaLink", operation=operation)
        if sync is None:
            raise operation.malformed("it names neither a next page nor a delta link")
        return listing.changes(next_token=cursor.after(sync).text, has_more=False)

    def _series(self, access_token: str, id_: str) -> Mapping[str, Any]:
        operation = Operation(provider=NAME, name="event", hiding=(access_token,))
        try:
            url = f"{graph()}/me/events/{quote(id_, safe='')}"
            return self._ask(operation, access_token, url, params={"$select": SERIES})
        except ProviderRefused as error:
            raise InvalidField(
                field="seriesMasterId", value=id_, expected=f"a known series: {error}"
            ) from None

    def _ask(self, operation: Operation, access_token: str, url: str, **request: Any) -> dict[str, Any]:
        self.turn()
        reply = operation.ask_as(access_token, url, headers={"Prefer": PREFER}, **request)
        if not reply.is_success:
            raise failure(reply, operation=operation)
        return object_of(reply.body, operation=operation)


@dataclass(frozen=True, kw_only=True)
class _Series:
    """The series of a page's events, each asked for once where the page does not have it."""

    known: dict[str, Mapping[str, Any]]
    fetch: Callable[[str], Mapping[str, Any]]

    def __call__(self, id_: str) -> Mapping[str, Any]:
        if id_ not in self.known:
            self.known[id_] = self.fetch(id_)
        return self.known[id_]


def _place(cursor: Cursor) -> tuple[str, dict[str, str] | None]:
    """Where a page is. Raises `SyncTokenExpired` for a link to a server that the settings name no more."""
    link_ = cursor.page or cursor.sync
    if link_ is None:
        window = {"startDateTime": cursor.window.starts_at, "endDateTime": cursor.window.ends_at}
        return f"{graph()}/me/calendarView/delta", {name: at.isoformat() for name, at in window.items()}
    if not is_own(link_):
        raise SyncTokenExpired(provider=NAME)
    return link_, None
