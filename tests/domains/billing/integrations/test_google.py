"""What is Google's own: what is asked together with which token, and zones beside times without offset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.domains.billing.integrations.cursors import Cursor
from tests.domains.billing.integrations.sides import NINE, TEN, WINDOW, google_side
from tests.fakes.calendar_book import Entry
from tests.fakes.google import EVENTS
from tests.fakes.http_server import Answer

if TYPE_CHECKING:
    from tests.fakes.google import GoogleServer

OWN = {"timeMin", "timeMax", "pageToken", "syncToken"}


def test_all_but_tokens_and_window_is_the_same_for_each_page_and_each_sync(google: GoogleServer) -> None:
    side = google_side(google)
    google.plan(EVENTS, *[Answer(status=200, body={"nextSyncToken": "s"})] * 4)
    first = Cursor(window=WINDOW)
    for cursor in (first, first.at_page("p"), first.after("s"), first.after("s").at_page("p")):
        side.page(cursor)
    asked = [request.query for request in google.requests]
    assert [set(query) & OWN for query in asked] == [
        {"timeMin", "timeMax"},
        {"timeMin", "timeMax", "pageToken"},
        {"syncToken"},
        {"syncToken", "pageToken"},
    ]
    rest = [{name: value for name, value in query.items() if name not in OWN} for query in asked]
    assert rest == [rest[0]] * 4


def test_a_time_without_an_offset_is_by_the_zone_beside_it(google: GoogleServer) -> None:
    google.book.put(Entry(id="e1", start=NINE, end=TEN))
    google.book.distorted["e1"] = {"start": {"dateTime": "2026-03-02T09:30:00", "timeZone": "Europe/Berlin"}}
    (event,) = google_side(google).events_told()
    assert event.starts_at == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
