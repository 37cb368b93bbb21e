"""A page of the list of jobs, as somebody may see it.

A text in errors is looked for from the newest job back, in stretches that grow, for as long as a page can
wait: no index has it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.console.jobs.rights import version_of
from app.console.questions import CutOff, answer, looking
from app.db.clock import now
from app.jobs import listing
from app.jobs.ledger.models import State
from app.jobs.scopes import RETRY, WRITE
from app.jobs.views import JobSummary
from app.jobs.web import permissions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from app.console.jobs.asked import Asked
    from app.tokens.callers import Caller

PAGE = 50
#: Those that match are counted up to this.
MAX_COUNTED = 1_000
STRETCHES = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 7 * 24, 30 * 24))
#: After this no further stretch is begun.
SEARCHED_FOR_SECONDS = 0.3
#: Smaller than the id of any job, so that none of the same moment is passed over.
FIRST_ID = "!"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of jobs, and the addresses of those beside it."""

    jobs: Sequence[JobSummary]
    #: Of those that somebody may change, the versions in which they are shown.
    versions: Mapping[str, str]
    older: str | None
    newer: str | None
    #: The moment behind which was not looked, where the time was over.
    searched_to: datetime | None = None
    #: All that match, counted to one more than `MAX_COUNTED`; None where that is not known.
    count: int | None = None


def look(asked: Asked, *, caller: Caller) -> Listed:
    """The page that was asked for. Raises `CutOff`."""
    if asked.filters.error is not None and not asked.backwards:
        return _searched(asked, caller=caller)
    page = _page(asked, within=_within(asked, caller=caller), limit=PAGE)
    if asked.backwards and page.previous is None:
        # Where the list begins, its first page is whole.
        return look(_first_page(asked), caller=caller)
    return Listed(
        jobs=_shown(page.jobs, caller=caller),
        versions=_versions(page.jobs, caller=caller),
        older=page.next and asked.at(page.next),
        newer=page.previous and asked.at(page.previous, backwards=True),
        count=_count(asked),
    )


def _first_page(asked: Asked) -> Asked:
    return type(asked)(states=asked.states, filters=asked.filters)


def _within(asked: Asked, *, caller: Caller) -> Collection[str] | None:
    return permissions.readable(caller) if asked.looks_inside else None


def _page(
    asked: Asked, *, within: Collection[str] | None, limit: int, **narrower: datetime | None
) -> listing.Page:
    with looking() as session:
        return listing.list_jobs(
            session,
            filters=asked.filters.model_copy(update=narrower),
            states=asked.states,
            within=within,
            limit=limit,
            cursor=asked.cursor,
            backwards=asked.backwards,
        )


def _count(asked: Asked) -> int | None:
    if asked.looks_inside or asked.cursor is not None:
        return None
    return answer(
        lambda session: listing.count_jobs(
            session, filters=asked.filters, states=asked.states, most=MAX_COUNTED
        )
    )


def _searched(asked: Asked, *, caller: Caller) -> Listed:
    within, began = _within(asked, caller=caller), time.monotonic()
    found: list[Row[Any]] = []
    #: Where to go on, and whether something behind it was not looked at.
    older: str | None = None
    searched_to: datetime | None = None
    for since, until in _stretches(asked):
        try:
            page = _page(
                asked, within=within, limit=PAGE - len(found), accepted_after=since, accepted_before=until
            )
        except CutOff:
            if searched_to is None:
                raise
            break
        found += page.jobs
        older, searched_to = page.next, None
        if older is not None or since == asked.filters.accepted_after:
            break
        older, searched_to = _place_before(since), since
        if len(found) == PAGE or time.monotonic() - began > SEARCHED_FOR_SECONDS:
            break
    return Listed(
        jobs=_shown(found, caller=caller),
        versions=_versions(found, caller=caller),
        older=older and asked.at(older),
        newer=asked.at(listing.cursor_of(found[0]), backwards=True) if found and asked.cursor else None,
        searched_to=searched_to if len(found) < PAGE else None,
    )


def _place_before(moment: datetime | None) -> str | None:
    return None if moment is None else listing.cursor_at(accepted_at=moment, job_id=FIRST_ID)


def _stretches(asked: Asked) -> Iterator[tuple[datetime | None, datetime | None]]:
    """From when until when is looked, the newest stretch first; the last one has all that is left."""
    floor, until = asked.filters.accepted_after, asked.filters.accepted_before
    begin = listing.read_cursor(asked.cursor)[0] if asked.cursor else until or _now()
    for stretch in STRETCHES:
        since = _before(begin, stretch)
        if since is None or (floor is not None and since <= floor):
            break
        yield since, until
        until = since
    yield floor, until


def _now() -> datetime:
    with looking() as session:
        return now(session)


def _before(moment: datetime, stretch: timedelta) -> datetime | None:
    try:
        return moment - stretch
    except OverflowError:
        return None  # before the year 1


def _shown(rows: Sequence[Row[Any]], *, caller: Caller) -> list[JobSummary]:
    return [permissions.shown(JobSummary.model_validate(row), caller=caller) for row in rows]


def _versions(rows: Sequence[Row[Any]], *, caller: Caller) -> dict[str, str]:
    if not (caller.may(RETRY) or caller.may(WRITE)):
        return {}
    reached = {row.task for row in rows if permissions.missing_scope(row.task, caller=caller) is None}
    return {row.id: version_of(row) for row in rows if row.task in reached and row.state != State.DONE}
