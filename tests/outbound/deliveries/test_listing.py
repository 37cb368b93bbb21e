"""Pages of deliveries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading, transaction
from app.outbound.deliveries.listing import of_job, page
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.values.field_errors import InvalidFields

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def put(count: int) -> None:
    """Deliveries of which each second was sent, two at the same moment, the last made changed first."""
    with transaction() as session:
        for number in range(count):
            session.add(
                Delivery(
                    key=str(number),
                    channel="email",
                    recipient="ann",
                    subject="Hello",
                    content={},
                    state=DeliveryState.SENT if number % 2 else DeliveryState.FAILED,
                    job_id=f"job-{number % 3}",
                    calls=1,
                    created_at=NOON,
                    changed_at=NOON - timedelta(seconds=number // 4),
                )
            )


def walked(state: DeliveryState | None) -> list[list[str]]:
    """The keys on each page."""
    pages: list[list[str]] = []
    cursor = None
    while True:
        with reading() as session:
            found = page(session, state=state, limit=2, cursor=cursor)
        pages.append([one.key for one in found.deliveries])
        cursor = found.next
        if cursor is None:
            return pages


def test_all_come_once_the_newest_first(database: Engine) -> None:
    put(5)
    assert walked(None) == [["4", "3"], ["2", "1"], ["0"]]


def test_those_in_a_state_come_once_the_last_that_changed_first(database: Engine) -> None:
    put(10)
    assert walked(DeliveryState.SENT) == [["3", "1"], ["7", "5"], ["9"]]
    assert walked(DeliveryState.UNCERTAIN) == [[]]


def test_those_of_a_job_come_in_the_order_in_which_they_were_made(database: Engine) -> None:
    put(7)
    with reading() as session:
        assert [one.key for one in of_job(session, job_id="job-0", limit=2)] == ["0", "3"]
        assert of_job(session, job_id="job-9", limit=2) == []


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "ÄÖ",
        "MjAyNi0wMS0wMVQxMjowMDowMCswMDowMHw=",
        "MjAyNi0wMS0wMVQxMjowMDowMCswMDowMHwtMQ==",
        "OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzowMHwx",
        "x" * 10_000,
    ],
)
def test_a_cursor_of_another_list_is_refused(database: Engine, cursor: str) -> None:
    with reading() as session, pytest.raises(InvalidFields, match="begin with the first page"):
        page(session, state=None, limit=2, cursor=cursor)
