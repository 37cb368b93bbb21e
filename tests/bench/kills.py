"""Kills workers at random moments and counts what was lost and what was done twice.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.kills [--kills 100] [--jobs 100000]
        [--pool prefork] [--database postgresql] [--seed NUMBER]

Starts a Redis and a database of its own, a beat and two workers. Half of the jobs write a row through
`job_session()`, the others write nothing. A kill is SIGKILL for a worker's main process, for one child or for
all of them, and what died is started again at once. Lost is a job that is not done in the end, or is without
its row; doubled is one with two rows. It ends with 1 if there are any.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Attempt, Job, State
from app.settings.config import settings
from app.topology import Queue
from tests.bench.contenders import Servers
from tests.bench.measures import BATCH, PROCESSES
from tests.bench.processes import family
from tests.fleet import Fleet
from tests.sample import tasks

if TYPE_CHECKING:
    from app.jobs.ledger.new_job import NewJob
    from tests.fleet import Process

WORKERS = 2
#: Kills begin and end while so much of the queue is left.
FIRST, LAST = 0.98, 0.05
LOOK_SECONDS = 0.2
#: Of those that are named.
SHOWN = 10
#: Nothing that this service waits for takes as long: what is not done by then is lost.
PATIENCE_SECONDS = 180
#: Short, so that what was killed is not waited for a minute each time.
SETTINGS = {"LEASE_SECONDS": "6", "RECOVER_SECONDS": "1", "LOST_AFTER_SECONDS": "2"}


class Workers:
    """Those that are killed, and their successors."""

    def __init__(self, fleet: Fleet, *, pool: str, chance: random.Random) -> None:
        self._fleet = fleet
        self._pool = pool
        self._chance = chance
        self._started = 0
        self._alive = [self._start() for _ in range(WORKERS)]
        self.kills: Counter[str] = Counter()

    def _start(self) -> Process:
        self._started += 1
        options = ("--without-gossip", "--without-mingle", "-P", self._pool)
        return self._fleet.start_worker(f"worker{self._started}", processes=PROCESSES, options=options)

    def kill_one(self) -> None:
        """A main process, one of its children, or all of them; somebody takes their place."""
        place = self._chance.randrange(WORKERS)
        process = self._alive[place]
        children = family(process.popen.pid)[1:]
        how = self._chance.choice(["main", "group", "child"] if children else ["main", "group"])
        self.kills[how] += 1
        if how == "child":
            with suppress(ProcessLookupError):  # (a child that lived for its ten thousand jobs)
                os.kill(self._chance.choice(children), signal.SIGKILL)
            return
        if how == "main":
            os.kill(process.popen.pid, signal.SIGKILL)
            process.popen.wait()
        else:
            process.kill()
        self._alive[place] = self._start()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--pool", default="prefork", help="Celery's name of the kind of pool")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="groundwork-kills-") as folder, Servers(Path(folder)) as servers:
        set_up(servers, database=asked.database)
        names = accepted(asked.jobs)
        began = time.monotonic()
        kills = drained(names, kills=asked.kills, pool=asked.pool, seed=asked.seed, folder=Path(folder))
        print(f"{kills.total()} kills ({_listed(kills)}) in {time.monotonic() - began:.0f} s")
        return report(names)


def set_up(servers: Servers, *, database: str) -> None:
    """Point the settings at the servers."""
    sqlite = f"sqlite:///{servers.folder}/kills.db"
    values = {
        "DATABASE_URL": sqlite if database == "sqlite" else servers.database("kills"),
        "REDIS_URL": servers.redis.url,
        "QUEUE_DEPTH_LIMIT": "1000000",
        "LOG_LEVEL": "WARNING",
    }
    os.environ |= {f"GROUNDWORK_{name}": value for name, value in (values | SETTINGS).items()}
    settings.cache_clear()
    revisions.upgrade()
    with transaction() as session:
        # No unique key: it would refuse the double that is looked for.
        session.execute(text("CREATE TABLE effect (name text NOT NULL)"))


def accepted(jobs: int) -> dict[str, str | None]:
    """The name that each job writes, by the job's id; none for every other."""
    names: dict[str, str | None] = {}
    for first in range(0, jobs, BATCH):
        named = [f"{number:07}" if number % 2 else None for number in range(first, min(first + BATCH, jobs))]
        with transaction() as session:
            answers = accept(session, [_job(name) for name in named])
            names |= {answer.id: name for answer, name in zip(answers, named, strict=True)}
    return names


def _job(name: str | None) -> NewJob:
    if name is None:
        return new_job(tasks.add.name, kwargs={"x": 1, "y": 2})
    return new_job(tasks.record_effect.name, kwargs={"name": name})


def drained(names: dict[str, str | None], *, kills: int, pool: str, seed: int, folder: Path) -> Counter[str]:
    """Work until all is done, with so many kills spread over it; how many of each sort."""
    chance = random.Random(seed)
    moments = sorted((chance.uniform(LAST, FIRST) * len(names) for _ in range(kills)), reverse=True)
    fleet = Fleet(folder=folder)
    try:
        fleet.start_beat(application="tests.sample.application")
        workers = Workers(fleet, pool=pool, chance=chance)
        for moment in moments:
            if not reached(moment):
                break
            workers.kill_one()
        reached(0)
        return workers.kills
    finally:
        fleet.close()
        for process in fleet.processes:
            with suppress(ProcessLookupError):  # (children whose main process is no more)
                os.killpg(process.popen.pid, signal.SIGKILL)


def reached(at_most: float) -> bool:
    """Wait until no more jobs than so many are left; False if nothing moves any more."""
    least, moved = sys.maxsize, time.monotonic()
    while (left := _left()) > at_most:
        if left < least:
            least, moved = left, time.monotonic()
        if time.monotonic() > moved + PATIENCE_SECONDS:
            print(f"nothing moved for {PATIENCE_SECONDS} s, with {left} jobs left")
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _left() -> int:
    unfinished = (State.SCHEDULED, State.READY, State.RUNNING)
    count = select(func.count()).where(Job.queue == Queue.DEFAULT, Job.state.in_(unfinished))
    with reading() as session:
        return session.scalar(count) or 0


def report(names: dict[str, str | None]) -> int:
    """Print what became of the jobs; 1 if one was lost or doubled."""
    with reading() as session:
        states = dict(session.execute(select(Job.id, Job.state).where(Job.queue == Queue.DEFAULT)).all())
        rows = Counter(session.scalars(text("SELECT name FROM effect")))
        outcomes = Counter(session.scalars(select(Attempt.outcome)))
    lost = [id_ for id_, name in names.items() if states.get(id_) != State.DONE or (name and not rows[name])]
    doubled = [name for name, times in rows.items() if times > 1]
    print(f"{len(names)} jobs ({_listed(Counter(states.values()))}), {rows.total()} effects")
    print(f"attempts that ended in another way than done: {_listed(outcomes) or 'none'}")
    print(f"{len(lost)} lost, {len(doubled)} doubled")
    for id_ in lost[:SHOWN]:
        print(f"lost: {id_}, which is {states.get(id_, 'not there')}")
    for name in doubled[:SHOWN]:
        print(f"doubled: {name}, {rows[name]} times")
    return 1 if lost or doubled else 0


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
