"""The calendar of schedules: a week of what came of their moments, and of those to come."""

from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter, Request, Response

from app.console.live import shared
from app.console.pages import page
from app.console.places import CALENDAR
from app.console.routes.schedules.shown import Part, Reader
from app.console.schedules import calendar

router = APIRouter()


@router.get(CALENDAR)
def show_calendar(request: Request, _: Reader, week: Part = "", q: Part = "", after: Part = "") -> Response:
    """The week in which a day lies; this one, if none is named."""
    now = datetime.now(UTC)
    begin = calendar.week_of(week, now=now)
    return page(
        request.scope,
        "schedules/calendar.html.j2",
        found=shared(request.scope, calendar.look, begin=begin, containing=q, after=after),
        begin=begin,
        q=q,
        place=partial(calendar.place, now=now),
    )
