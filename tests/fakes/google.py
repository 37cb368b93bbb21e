"""Google's sign-in and Calendar API (v3) for one person, failing on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.calendar_book import CalendarBook, Entry, Moment
from tests.fakes.http_server import Answer, ApiFake, Request
from tests.fakes.oauth import OAuthServer, Rotation

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHORIZE, TOKEN, REVOKE = "/o/oauth2/v2/auth", "/token", "/revoke"
PRIMARY = "/calendar/v3/calendars/primary"
EVENTS = f"{PRIMARY}/events"
PERSON = "ada@example.org"
SCOPE = "https://www.googleapis.com/auth/calendar.readonly"
#: What cannot be asked together with a sync token.
NOT_WITH_SYNC_TOKEN = {"timeMin", "timeMax", "updatedMin", "orderBy", "q", "iCalUID"}
MAX_RESULTS = 2_500
UPDATED = "2026-03-01T08:00:00.000Z"


def problem(status: int, reason: str, **headers: str) -> Answer:
    """An error in the form in which the Calendar API gives it."""
    errors = [{"domain": "global", "reason": reason, "message": f"{reason} on demand"}]
    error = {"code": status, "message": f"{reason} on demand", "errors": errors}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body={"error": error}, headers=named)


@dataclass
class GoogleServer(ApiFake):
    """Google, as far as calendars need it. `book` feeds it."""

    book: CalendarBook = field(default_factory=CalendarBook)
    oauth: OAuthServer = field(
        default_factory=lambda: OAuthServer(prefix="ya29.", rotation=Rotation.KEPT, scope=SCOPE)
    )

    def true_answer(self, request: Request) -> Answer:
        if request.place == AUTHORIZE:
            return self.oauth.authorize(request.query)
        if request.place == TOKEN:
            return self.oauth.token(request.form)
        if request.place == REVOKE:
            return self._revoke(request.form.get("token", ""))
        if not self.oauth.accepts(request.headers):
            return problem(401, "authError")
        if request.place == PRIMARY:
            return Answer(status=200, body={"id": PERSON, "summary": "Ada", "timeZone": "UTC"})
        return self._events(request.query) if request.place == EVENTS else problem(404, "notFound")

    def _revoke(self, token: str) -> Answer:
        if token not in self.oauth.refresh_tokens:
            return Answer(status=400, body={"error": "invalid_token"})
        self.oauth.revoke()
        return Answer(status=200, body={})

    def _events(self, query: Mapping[str, str]) -> Answer:
        size = int(query.get("maxResults", 250))
        if not 1 <= size <= MAX_RESULTS or query.get("singleEvents") != "true":
            return problem(400, "badRequest")
        if "syncToken" in query and NOT_WITH_SYNC_TOKEN & set(query):
            return problem(400, "syncTokenWithNonDefaultOrdering")
        listing = query.get("pageToken") or self._begin(query)
        found = self.book.page(listing, size=size) if listing else None
        if found is None:
            return problem(410, "fullSyncRequired")
        rows, following, whole = found
        window = "~".join(moment.isoformat() for moment in whole.window)
        token = {"nextPageToken": following} if following else {"nextSyncToken": f"{whole.upto}~{window}"}
        items = [self.book.told(entry.id, row_of(entry)) for entry in rows]
        return Answer(status=200, body={"kind": "calendar#events", "items": items, **token})

    def _begin(self, query: Mapping[str, str]) -> str | None:
        if "syncToken" not in query:
            return self.book.begin(*(datetime.fromisoformat(query[name]) for name in ("timeMin", "timeMax")))
        position, starts_at, ends_at = query["syncToken"].split("~")
        window = datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at)
        return self.book.since(int(position), window)


def row_of(entry: Entry) -> dict[str, Any]:
    """An event as the API tells it."""
    series: dict[str, Any] = {}
    if entry.series_id is not None and entry.original_start is not None:
        series = {"recurringEventId": entry.series_id, "originalStartTime": _moment(entry.original_start)}
    row = {"id": entry.id, "etag": f'"{entry.version}"', **series}
    if entry.is_deleted:
        return {**row, "status": "cancelled"}
    guests: dict[str, Any] = {"organizer": {"email": PERSON, "self": True}}
    if entry.answer is not None:
        me = {"email": PERSON, "self": True, "responseStatus": entry.answer}
        guests = {"organizer": {"email": "bob@example.org"}, "attendees": [me]}
    return {
        **row,
        "status": entry.status,
        "summary": entry.title,
        "start": _moment(entry.start),
        "end": _moment(entry.end),
        "updated": UPDATED,
        **guests,
    }


def _moment(moment: Moment) -> dict[str, str]:
    if not isinstance(moment, datetime):
        return {"date": moment.isoformat()}
    zone = {"timeZone": str(moment.tzinfo)} if moment.tzinfo is not UTC else {}
    return {"dateTime": moment.isoformat(), **zone}
