"""What is Microsoft's own: series that tell no more than times, the zones of Windows, cancelled events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from app.domains.billing.integrations.facts import Attendance, EventStatus
from tests.domains.billing.integrations.sides import NINE, TEN, graph_side
from tests.fakes.calendar_book import Entry
from tests.fakes.graph import EVENTS
from tests.fakes.http_server import Answer

if TYPE_CHECKING:
    from tests.fakes.graph import GraphServer


def test_what_one_of_a_series_leaves_out_is_asked_for_once(graph: GraphServer) -> None:
    graph.book.repeat("daily", first=NINE, times=3, title="Standup")
    events = graph_side(graph).events_told()
    assert [(event.title, event.version) for event in events] == [("Standup", "series-daily")] * 3
    assert [event.attendance for event in events] == [Attendance.ORGANIZER] * 3
    assert graph.count(f"{EVENTS}/daily") == 1
    assert "body" not in graph.requests[-1].query["$select"]


def test_a_series_that_is_on_the_page_is_not_asked_for(graph: GraphServer) -> None:
    side = graph_side(graph)
    series = {"id": "s1", "type": "seriesMaster", "subject": "Standup", "changeKey": "k1"}
    moment = {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "UTC"}
    one = {"id": "o1", "type": "occurrence", "seriesMasterId": "s1", "start": moment, "end": moment}
    link = {"@odata.deltaLink": f"{graph.url}/v1.0/me/calendarView/delta?$deltatoken=1"}
    graph.plan(side.events, Answer(status=200, body={"value": [one, series], **link}))
    page = side.page()
    assert [(event.id, event.title) for event in page.events] == [("o1", "Standup")]
    assert (page.removed, page.unreadable, len(graph.requests)) == ((), (), 1)


def test_one_of_a_series_that_is_gone_is_set_aside(graph: GraphServer) -> None:
    graph.book.repeat("daily", first=NINE, times=2)
    graph.book.put(Entry(id="e1", start=NINE, end=TEN))
    graph.book.series.clear()
    page = graph_side(graph).page()
    assert [event.id for event in page.events] == ["e1"]
    assert ["ErrorItemNotFound" in one.reason for one in page.unreadable] == [True, True]


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("UTC", 9),
        ("W. Europe Standard Time", 8),
        ("Europe/Berlin", 8),
        ("tzone://Microsoft/Utc", 9),
        (None, 9),
    ],
)
def test_a_time_is_by_the_zone_that_is_named_beside_it(
    graph: GraphServer, zone: str | None, hour: int
) -> None:
    graph.book.put(Entry(id="e1", start=NINE, end=datetime(2026, 3, 2, 12, tzinfo=UTC)))
    graph.book.distorted["e1"] = {"start": {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": zone}}
    (event,) = graph_side(graph).events_told(zone=ZoneInfo("Asia/Tokyo"))
    assert event.starts_at == datetime(2026, 3, 2, hour, tzinfo=UTC)


def test_an_event_that_its_organizer_cancelled_is_told_as_such(graph: GraphServer) -> None:
    graph.book.put(Entry(id="e1", start=NINE, end=TEN, status="cancelled"))
    assert graph_side(graph).events_told()[0].status is EventStatus.CANCELLED


def test_times_and_pages_are_asked_for_as_they_are_read(graph: GraphServer) -> None:
    graph_side(graph).page()
    prefer = graph.requests[0].headers["prefer"]
    assert prefer == 'odata.maxpagesize=50, outlook.timezone="UTC", IdType="ImmutableId"'
