"""Whether two beats fire many schedules each minute, once each, and what that costs.

    python -m tests.bench.schedules [--schedules 1000] [--minutes 3]

Starts a PostgreSQL and a Redis of its own. Half of the schedules are cron expressions in several time zones,
half are intervals, all due in the same second of each minute: the worst there is. After half of the time the
beat that leads is killed, and the other one takes over. Beat also brings forward what no worker takes here.
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from app.db.clock import now as db_now
from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job
from app.schedule.defaults import columns_of, new_entry
from app.schedule.models import ScheduleEntry, ScheduleRun
from app.schedule.plan import ALWAYS
from app.schedule.spec import Schedule, cron, every
from tests.fleet import Fleet
from tests.servers import PostgresServer, RedisServer

TASK = "smoke.answer"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
RULES: tuple[Schedule, ...] = (
    *(cron("* * * * *", timezone=zone) for zone in ZONES),
    *[every(timedelta(minutes=1))] * len(ZONES),
)
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
#: A leader that is killed is missed after 15 s, and the other looks every 3 s.
TAKEN_OVER = 25


def fill(count: int) -> None:
    """Make the schedules."""
    rest = {"arguments": {}, "one_off": False, "enabled": True}
    with transaction() as session:
        now = db_now(session)
        for number in range(count):
            columns = rest | columns_of(RULES[number % len(RULES)])
            session.add(new_entry(f"bench-{number}", task=TASK, columns=columns, now=now))


def processor_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def judged() -> dict[str, int]:
    """What was fired, against what was due."""
    with reading() as session:
        entries = session.scalars(select(ScheduleEntry).where(ScheduleEntry.name.like("bench-%"))).all()
        runs = select(ScheduleRun.schedule, ScheduleRun.moment, ScheduleRun.outcome)
        fired = {(name, moment) for name, moment, outcome in session.execute(runs) if outcome is None}
        jobs = session.scalar(select(func.count()).select_from(Job).where(Job.key.like("schedule:bench-%")))
    due = {
        (entry.name, moment)
        for entry in entries
        for moment in ALWAYS.between(entry.rule, after=entry.created_at, upto=entry.seen_until)
    }
    return {"due": len(due), "missed": len(due - fired), "too many": (jobs or 0) - len(due & fired)}


def run(*, schedules: int, minutes: float) -> None:
    """Fire for so long, and print what came of it."""
    fill(schedules)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        fleet = Fleet(folder=Path(folder))
        stack.callback(fleet.close)
        leader = fleet.start_beat()
        standby = fleet.start_beat("standby", leads=False)
        began, used = time.monotonic(), processor_seconds(leader.popen.pid)
        time.sleep(minutes * 30)
        share = (processor_seconds(leader.popen.pid) - used) / (time.monotonic() - began)
        leader.kill()
        time.sleep(max(minutes * 30, TAKEN_OVER))
        standby.stop()
    found = judged()
    print(f"{schedules} schedules a minute: {found}; the leader used {share:.1%} of a processor")


def main() -> None:
    """Start the servers and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, default=3)
    options = parser.parse_args()
    with ExitStack() as stack:
        redis, postgres = RedisServer(), PostgresServer()
        for server in (redis, postgres):
            stack.callback(server.close)
            server.start()
        postgres.execute("CREATE DATABASE bench")
        os.environ["GROUNDWORK_REDIS_URL"] = redis.url
        os.environ["GROUNDWORK_DATABASE_URL"] = postgres.url("bench")
        os.environ["GROUNDWORK_SECRET_KEY"] = secrets.token_urlsafe(32)
        revisions.upgrade()
        run(schedules=options.schedules, minutes=options.minutes)


if __name__ == "__main__":
    main()
