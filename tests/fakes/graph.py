"""Microsoft's identity platform (v2) and the calendar of Graph for one person, failing on demand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.fakes.calendar_book import CalendarBook, Entry, Moment
from tests.fakes.http_server import Answer, ApiFake, Request
from tests.fakes.oauth import OAuthServer, Rotation

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHORIZE, TOKEN = "/common/oauth2/v2.0/authorize", "/common/oauth2/v2.0/token"
CALENDAR, EVENTS = "/v1.0/me/calendar", "/v1.0/me/events"
DELTA = "/v1.0/me/calendarView/delta"
PERSON = "ada@example.org"
SCOPE = "https://graph.microsoft.com/Calendars.Read"
_ANSWERS = {
    "accepted": "accepted",
    "tentative": "tentativelyAccepted",
    "declined": "declined",
    "needsAction": "notResponded",
}
_PAGE_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")


def problem(status: int, code: str, **headers: str) -> Answer:
    """An error in the form in which Graph gives it."""
    error = {"code": code, "message": f"{code} on demand", "innerError": {"request-id": "5f3c"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body={"error": error}, headers=named)


@dataclass
class GraphServer(ApiFake):
    """Microsoft, as far as calendars need it. `book` feeds it."""

    book: CalendarBook = field(default_factory=CalendarBook)
    oauth: OAuthServer = field(
        default_factory=lambda: OAuthServer(prefix="eyJ0eXAi.", rotation=Rotation.REPLACED, scope=SCOPE)
    )
    #: Links to pages lead there in place of here.
    links_to: str | None = None

    def true_answer(self, request: Request) -> Answer:
        if request.place == AUTHORIZE:
            return self.oauth.authorize(request.query)
        if request.place == TOKEN:
            return self.oauth.token(request.form)
        if not self.oauth.accepts(request.headers):
            return problem(401, "InvalidAuthenticationToken")
        if request.place == CALENDAR:
            return Answer(status=200, body={"id": "calendar-1", "owner": {"name": "Ada", "address": PERSON}})
        if request.place == DELTA:
            return self._delta(request)
        return self._series(unquote(request.place.removeprefix(f"{EVENTS}/")))

    def _series(self, id_: str) -> Answer:
        if id_ not in self.book.series:
            return problem(404, "ErrorItemNotFound")
        return Answer(status=200, body=self.book.told(id_, self._series_row(id_)))

    def _series_row(self, id_: str) -> dict[str, Any]:
        return {
            "id": id_,
            "type": "seriesMaster",
            "subject": self.book.series[id_],
            "changeKey": f"series-{id_}",
            "isAllDay": False,
            "isCancelled": False,
            "isOrganizer": True,
            "showAs": "busy",
        }

    def _delta(self, request: Request) -> Answer:
        prefer = request.headers.get("prefer", "")
        size = _PAGE_SIZE.search(prefer)
        if size is None or 'outlook.timezone="UTC"' not in prefer:
            return problem(400, "ErrorInvalidRequest")
        listing = self._listing(request.query)
        found = self.book.page(listing, size=int(size[1])) if listing else None
        if found is None:
            return problem(410, "syncStateNotFound")
        rows, following, whole = found
        window = "~".join(moment.isoformat() for moment in whole.window)
        if following:
            link = {"@odata.nextLink": self._link("$skiptoken", following)}
        else:
            link = {"@odata.deltaLink": self._link("$deltatoken", f"{whole.upto}~{window}")}
        return Answer(status=200, body={"value": self._rows(rows), **link})

    def _link(self, name: str, token: str) -> str:
        return f"{self.links_to or self.url + DELTA}?{name}={token.replace('+', '%2B')}"

    def _listing(self, query: Mapping[str, str]) -> str | None:
        if "$skiptoken" in query:
            return query["$skiptoken"]
        if "$deltatoken" not in query:
            moments = (datetime.fromisoformat(query[name]) for name in ("startDateTime", "endDateTime"))
            return self.book.begin(*moments)
        position, starts_at, ends_at = query["$deltatoken"].split("~")
        window = datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at)
        return self.book.since(int(position), window)

    def _rows(self, entries: Any) -> list[Any]:
        return [self.book.told(entry.id, row_of(entry)) for entry in entries]


def row_of(entry: Entry) -> dict[str, Any]:
    """An event as Graph tells it: of one of a series that nobody changed, no more than its time."""
    if entry.is_deleted:
        return {"@removed": {"reason": "deleted"}, "id": entry.id}
    times = {"start": _moment(entry.start), "end": _moment(entry.end)}
    row = {"id": entry.id, **times}
    if entry.series_id is not None and entry.version == 1:
        return {**row, "type": "occurrence", "seriesMasterId": entry.series_id}
    series: dict[str, Any] = {"type": "singleInstance", "seriesMasterId": None}
    if entry.series_id is not None and isinstance(entry.original_start, datetime):
        original = f"{entry.original_start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        series = {"type": "exception", "seriesMasterId": entry.series_id, "originalStart": original}
    answer = "organizer" if entry.answer is None else _ANSWERS[entry.answer]
    return {
        "@odata.etag": f'W/"{entry.version}"',
        **row,
        **series,
        "subject": entry.title,
        "changeKey": f"key-{entry.version}",
        "isAllDay": entry.all_day,
        "isCancelled": entry.status == "cancelled",
        "isOrganizer": entry.answer is None,
        "responseStatus": {"response": answer, "time": "0001-01-01T00:00:00Z"},
        "showAs": "tentative" if entry.status == "tentative" else "busy",
        "lastModifiedDateTime": "2026-03-01T08:00:00.1234567Z",
        "body": {"contentType": "html", "content": "<p>Bring the numbers.</p>"},
    }


def _moment(moment: Moment) -> dict[str, str]:
    told = moment.astimezone(UTC) if isinstance(moment, datetime) else moment
    return {"dateTime": f"{told:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
