"""The evidence of a span of time: its figures, what happened in it, and the jobs that failed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from app.console.jobs.failing import readable, shows_of
from app.console.questions import looking
from app.console.timeline import lanes
from app.jobs.statistics import failures
from app.jobs.web.bundle import reader_for
from app.jobs.web.bundle_of_many import evidence_of_many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.console.timeline.asked import Asked
    from app.tokens.callers import Caller

CUT = {"left_out": "This took too long in the database."}


def evidence_of_span(wanted: Asked, *, caller: Caller) -> Iterator[bytes]:
    """It as one document in parts, masked. Raises `CutOff`."""
    axis = wanted.axis
    timeline = lanes.look(wanted, caller=caller)
    shows = shows_of(readable(reader_for(caller)))
    with looking() as session:
        found = failures.with_members(session, begin=axis.begin, end=axis.end, shows=shows)
    sections = {
        "from": axis.begin,
        "until": axis.end,
        "statistics": asdict(timeline.series) if timeline.series else CUT,
        "happened": {
            row.title: CUT if row.marks is None else [asdict(mark) for mark in row.marks]
            for row in timeline.rows
        },
        "errors": [asdict(group) for group, _ in found],
    }
    about = f"{axis.begin:%Y-%m-%d %H:%M} to {axis.end:%Y-%m-%d %H:%M} (UTC), with the jobs that failed in it"
    jobs = failures.newest([members for _, members in found])
    return evidence_of_many(about, jobs, sections=sections, looking=looking, caller=caller)
