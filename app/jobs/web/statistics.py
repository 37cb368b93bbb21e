"""HTTP routes of what has ended, by time and by error."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from app.db.sessions import reading
from app.http.parsed import ParsedRoute
from app.jobs.scopes import METRICS, READ
from app.jobs.statistics import failures, figures
from app.jobs.transitions import rollup
from app.jobs.views import Moment
from app.jobs.web import permissions
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE, OPERATED
from app.values.strict_models import StrictModel

router = APIRouter(tags=["jobs"], route_class=ParsedRoute)
Name = Annotated[str, Field(min_length=1, max_length=200)]


class SpanQuery(StrictModel):
    """Of what, and of which time; what is left out does not narrow."""

    task: Name | None = None
    begin: Moment | None = Field(default=None, description="If left out, a day before the end.")
    end: Moment | None = Field(default=None, description="If left out, now.")


class SeriesQuery(SpanQuery):
    """Of what, of which time, and in which steps."""

    queue: Name | None = None
    step: figures.Step | None = Field(
        default=None, description="If left out, what makes 300 steps or fewer. Minutes are kept for 48 h."
    )


@router.get("/api/v1/statistics", dependencies=[Depends(require(METRICS, BY_SCOPE))])
def get_statistics(query: Annotated[SeriesQuery, Query()]) -> figures.Series:
    """Throughput, ends, and how long jobs waited and ran, over time; percentiles are estimates from buckets.

    Steps in which nothing ended are left out. What ended within the last 10 s is not counted yet.
    """
    with reading() as session:
        return figures.series(
            session,
            counted_until=rollup.watermark(session),
            begin=query.begin,
            end=query.end,
            step=query.step,
            task=query.task,
            queue=query.queue,
        )


@router.get("/api/v1/statistics/errors")
def get_errors(
    query: Annotated[SpanQuery, Query()], caller: Annotated[Caller, Depends(require(READ, OPERATED))]
) -> failures.Groups:
    """Failed attempts and dead jobs, grouped by task and error, those with the most failures first.

    A title is the error's class and first line without digits, ids and what is quoted. The newest failures
    are looked through up to a bound; `searched_back_to` says how far back that was.
    """
    readable = permissions.readable(caller)
    with reading() as session:
        return failures.groups(
            session,
            begin=query.begin,
            end=query.end,
            task=query.task,
            shows=lambda task: readable is None or task in readable,
        )
