"""How long the calendar and the list take with schedules of each minute, some with a week behind them.

    python -m tests.bench.console.calendar [--schedules 1000] [--with-history 100]

Starts a PostgreSQL of its own. The first and the last page are looked at of this week and of the next.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from app.console.schedules import calendar, looks
from app.db.migrations import revisions
from app.db.sessions import transaction
from tests.bench.schedules import fill
from tests.servers import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable

TIMES = 20
#: One of each schedule was missed.
HISTORY = """
    INSERT INTO schedule_run (schedule, moment, fired_at, job_id, outcome, started_at, finished_at)
    SELECT name, moment, moment, md5(random()::text), CASE WHEN number = 5000 THEN 'missed' ELSE 'done' END,
           moment, moment + interval '1 second'
    FROM (SELECT name FROM schedule ORDER BY name LIMIT :schedules) AS schedule,
         generate_series(0, 10079) AS number,
         LATERAL (SELECT date_trunc('minute', now()) - number * interval '1 minute' AS moment) AS at
"""


def show(name: str, look: Callable[[], Any]) -> None:
    """The median time of a page, and how many schedules it shows; 0 where it was cut off."""
    took, found = [], None
    for _ in range(TIMES):
        began = time.perf_counter()
        found = look()
        took.append((time.perf_counter() - began) * 1_000)
    lines = 0 if found is None else len(found.lines if isinstance(found, calendar.Calendar) else found.rows)
    print(f"{name}: {statistics.median(took):.0f} ms for {lines} schedules")


def run(*, schedules: int, with_history: int) -> None:
    """Fill, look and print."""
    fill(schedules)
    with transaction() as session:
        session.execute(text(HISTORY), {"schedules": with_history})
    with transaction() as session:
        session.execute(text("ANALYZE"))
    now = datetime.now(UTC)
    for name, day in (("this week", now), ("next week", now + calendar.WEEK)):
        for place, after in (("first", ""), ("last", "bench-998")):
            begin = calendar.week_of(f"{day:%Y-%m-%d}", now=now)
            show(f"{name}, {place} page", partial(calendar.look, begin=begin, containing="", after=after))
    show("list, first page", partial(looks.look, containing="", after=""))
    print(f"load {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Start the server and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=1_000)
    parser.add_argument("--with-history", type=int, default=100)
    options = parser.parse_args()
    with ExitStack() as stack:
        postgres = PostgresServer()
        stack.callback(postgres.close)
        postgres.start()
        postgres.execute("CREATE DATABASE bench")
        os.environ["GROUNDWORK_DATABASE_URL"] = postgres.url("bench")
        os.environ["GROUNDWORK_SECRET_KEY"] = secrets.token_urlsafe(32)
        revisions.upgrade()
        run(schedules=options.schedules, with_history=options.with_history)


if __name__ == "__main__":
    main()
