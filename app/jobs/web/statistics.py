"""HTTP routes of what has ended, by time."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from app.db.sessions import reading
from app.http.parsed import ParsedRoute
from app.jobs.scopes import METRICS
from app.jobs.statistics import figures
from app.jobs.transitions import rollup
from app.jobs.views import Moment
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE
from app.values.strict_models import StrictModel

router = APIRouter(tags=["jobs"], route_class=ParsedRoute)
Name = Annotated[str, Field(min_length=1, max_length=200)]


class SeriesQuery(StrictModel):
    """Of what, and of which time; what is left out does not narrow."""

    task: Name | None = None
    queue: Name | None = None
    begin: Moment | None = Field(default=None, description="If left out, a day before the end.")
    end: Moment | None = Field(default=None, description="If left out, now.")
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
