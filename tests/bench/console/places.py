"""The pages that are asked for: every route of the console, and what people narrow its lists by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi.routing import iter_route_contexts
from sqlalchemy import select

from app.console import places
from app.console.door import create_pages
from app.console.timeline.asked import SPANS
from app.db.sessions import reading
from app.jobs.ledger.models import Job, State
from tests.bench.console.filling import KEY
from tests.bench.scale.filling import DAYS, RARE, SHARES
from tests.console.journeys import world

#: Milliseconds within which 95 of 100 are to be answered, with a million jobs and with more.
Bars = tuple[int, int]
NARROWED: Bars = (40, 60)
BARS: dict[str, Bars] = {
    **dict.fromkeys((places.ROOT, places.QUEUES, places.WORKERS, places.SCHEDULES), (15, 20)),
    places.ERRORS: (60, 60),
    places.JOBS: (20, 25),
    f"{places.JOBS}/{{job_id}}": (15, 15),
    places.TIMELINE: (60, 60),
}
COMMON = SHARES[0]


class Place(NamedTuple):
    """A page, as it is asked for."""

    address: str
    bars: Bars | None = None

    def __str__(self) -> str:
        return self.address.removeprefix(places.ROOT) or "/"


def all_places() -> list[Place]:
    """Each page, and then each list narrowed."""
    examples = _examples()
    routes = iter_route_contexts(create_pages().routes)
    found = {route.path or "" for route in routes if "GET" in (route.methods or ())}
    # Files are downloaded, and not shown.
    paths = sorted(path for path in found if not path.endswith((".json", ".txt")))
    return [*(Place(_filled(path, examples), BARS.get(path)) for path in paths), *_narrowed()]


def _filled(path: str, examples: dict[str, str]) -> str:
    """The path with something in the place of its parameters: a job of the many, or what tests ask for."""
    if "{job_id}" not in path:
        path = world.EXAMPLES.get(path, path)
    for name, value in examples.items():
        path = path.replace(f"{{{name}}}", value)
    if "{" in path:
        raise SystemExit(f"Give an example of the parameter of {path} in tests/console/journeys/world.py.")
    return path


def _examples() -> dict[str, str]:
    with reading() as session:
        dead = select(Job.id).where(Job.state == State.DEAD).order_by(Job.accepted_at).offset(100).limit(1)
        return {
            "job_id": str(session.scalar(dead)),
            "part": "arguments",
        }


def _narrowed() -> list[Place]:
    middle = f"{datetime.now(UTC) - timedelta(days=DAYS / 2):%Y-%m-%dT%H:%M}"
    found = [
        _narrow(places.JOBS, NARROWED, **by)
        for by in (
            *({"state": state.value} for state in State),
            {"task": COMMON.task},
            {"task": RARE.task},
            {"queue": COMMON.queue, "state": State.DONE.value},
            {"queue": RARE.queue},
            {"accepted_before": middle},
            {"accepted_before": middle, "task": RARE.task},
        )
    ]
    found.append(_narrow(places.JOBS, (10, 15), key=KEY))
    found += [_narrow(places.JOBS, (200, 400), error=text) for text in ("unavailable", "no such text")]
    found += [_narrow(places.TIMELINE, BARS[places.TIMELINE], span=span) for span in SPANS]
    found += [_narrow(places.DELIVERIES, None, state="uncertain")]
    return found


def _narrow(path: str, bars: Bars | None, **by: str) -> Place:
    return Place(f"{path}?{urlencode(by)}", bars)
