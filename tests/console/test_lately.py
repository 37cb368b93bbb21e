"""What the overview draws of the last hour and the last day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.console import figures
from app.console.timeline import lately
from app.db.clock import now
from app.db.sessions import reading, transaction
from app.jobs.statistics.models import Sample
from app.jobs.transitions import sampling
from tests.console.browser import OVERVIEW, signed_in
from tests.jobs.ends import accepted, finish, roll_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from app.console.timeline.lately import Lately


def spans() -> Sequence[Lately]:
    found = figures.look().lately
    assert found is not None
    return found


def said(span: Lately) -> dict[str, str]:
    return {one.title: one.said for one in span.charts}


def test_what_ended_is_drawn_by_minute_and_by_hour_and_told_in_numbers(database: Engine) -> None:
    finish(accepted(3), ago=timedelta(minutes=5), waited=2.0)
    finish(accepted(2), ago=timedelta(hours=5))
    roll_up()
    hour, day = spans()
    assert said(hour) == {"Jobs that ended": "3, at most 3 in 1m", "Wait, p95": "at most 2.42 s"}
    assert said(day)["Jobs that ended"] == "5, at most 3 in 1h"
    assert [row.figures and row.figures.done for row in hour.rows] == [3]
    assert [row.figures and row.figures.done for row in day.rows] == [3, 2]
    page = signed_in().get(OVERVIEW).text
    assert "Jobs that ended: 5, at most 3 in 1h" in page
    assert 'aria-label="Last hour in steps of 1m"' in page


def test_how_many_waited_is_drawn_as_beat_counted_them(database: Engine) -> None:
    accepted(4)
    sampling.take()
    with transaction() as session:
        session.execute(update(Sample).values(taken_at=now(session) - timedelta(minutes=10)))
    accepted(1)
    sampling.take()
    hour, day = spans()
    assert said(hour)["Jobs that wait"] == "at most 5"
    assert [row.waiting for row in hour.rows] == [5, 4]
    assert [row.figures for row in hour.rows] == [None, None]
    assert "Jobs that wait" not in said(day)
    assert "Jobs that wait: at most 5" in signed_in().get(OVERVIEW).text


def test_it_is_drawn_anew_when_more_was_counted(database: Engine) -> None:
    finish(accepted(1), ago=timedelta(minutes=5))
    roll_up()
    with reading() as session:
        at = now(session)

        def drawn(counted_until: datetime | None) -> Sequence[Lately]:
            return lately.look(session, counted_until=counted_until, now=at)

        assert drawn(at) is drawn(at)
        assert drawn(at) is not drawn(at + timedelta(seconds=1))
        assert drawn(None) is not drawn(None)


@pytest.mark.databases("sqlite")
def test_of_an_empty_ledger_there_is_nothing_to_draw(database: Engine) -> None:
    assert [said(span)["Jobs that ended"] for span in spans()] == ["none", "none"]
    assert "Nothing ended." in signed_in().get(OVERVIEW).text
