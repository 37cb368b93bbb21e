"""Tasks whose ends are hard to write."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import job_session

ARGUMENTS: dict[str, Any] = {
    "bytes": b"\xff\x00",
    "date": date(2026, 1, 31),
    "uuid": uuid.UUID(int=1),
    "decimal": Decimal("1.10"),
    "surrogate": "\udce9",
    "nul": "a\x00b",
    "nan": math.nan,
    "nested": {"values": [math.inf, {1, 2}]},
    "huge": "e" * 5_000_000,
    "object": object(),
}
RESULTS: dict[str, Any] = {
    "nan": math.nan,
    "inf": -math.inf,
    "nested": {"values": [1.5, {"worst": math.nan}]},
    "set": {1, 2},
    "surrogate": "\udce9",
    "nul": "a\x00b",
    "deep": json.loads("[" * 150 + "]" * 150),
}


class Quits(Exception):
    """Ends the program of whoever asks what it is."""

    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


@dataclass
class Unhashable(Exception):
    """Equal to others of its kind, so it has no hash."""

    code: int


class Interrupts(Exception):
    """Ends the program of whoever asks what it is, as Ctrl-C would."""

    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class Mute(Exception):
    """Fails to say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Pickled(Exception):
    """Ends the program of whoever pickles it."""

    def __reduce__(self) -> Any:
        raise SystemExit(3)


class PickledByProtocol(Exception):
    """Interrupts whoever pickles it."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise KeyboardInterrupt


class HasState(Exception):
    """Ends the program of whoever asks for its state."""

    def __getstate__(self) -> Any:
        raise SystemExit(4)

    def __reduce__(self) -> Any:
        return type(self), self.args, self.__getstate__()


class Opened(Exception):
    """Ends the program of whoever opens its pickle."""

    def __reduce__(self) -> Any:
        return sys.exit, (5,)


class PickledAndMute(Quits):
    """Fails to be pickled, and ends the program of whoever asks what it is."""

    def __reduce__(self) -> Any:
        raise TypeError("no pickle")


PICKLED = {kind.__name__: kind for kind in (Pickled, PickledByProtocol, HasState, Opened, PickledAndMute)}


@task(bind=True)
def fail_to_be_pickled(self: Any, kind: str, how: str, path: str) -> None:
    """Raise, give up, or carry what cannot be pickled; one line in `path` for each run."""
    blob.run(0, path)
    error = PICKLED[kind]("the cause")
    if how == "last retry":
        raise self.retry(exc=error, max_retries=0)
    raise ValueError("the cause", error) if how == "argument" else error


@task(retry=Retry(max_attempts=2, first=timedelta(seconds=0.1), jitter=False, on=(Exception,)))
def fail_twice_to_be_pickled(kind: str, path: str) -> None:
    blob.run(0, path)
    raise PICKLED[kind]("the cause")


@task()
def fail_with(kind: str) -> None:
    raise ValueError(ARGUMENTS[kind])


@task(retry=Retry(max_attempts=1), bind=True)
def give_up_with(self: Any, kind: str) -> None:
    raise self.retry(exc=KeyError(ARGUMENTS[kind]))


WORDLESS = {kind.__name__: kind for kind in (Mute, Quits, Interrupts)}


@task()
def fail_without_words(kind: str) -> None:
    raise WORDLESS[kind]("x")


@task()
def fail_without_a_hash() -> None:
    raise Unhashable(5)


@task()
def fail_to_decode() -> str:
    return b"\xff".decode()


@task()
def return_value(kind: str) -> Any:
    return RESULTS[kind]


@task()
def blob(size: int, path: str = "") -> str:
    """A long text; one line in `path` for each run."""
    if path:
        with Path(path).open("a") as file:
            file.write("ran\n")
    return "x" * size


@task()
def measure(value: str) -> int:
    return len(value)


@task()
def measure_all(values: list[str]) -> int:
    return sum(map(len, values))


@task()
def take_nothing() -> None: ...


@task()
def swallow_an_sql_error(name: str) -> str:
    """Write, swallow what goes wrong with the next statement, and return as if nothing had been."""
    session = job_session()
    session.execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": name})
    with suppress(SQLAlchemyError):
        session.execute(text("SELECT * FROM there_is_no_such_table"))
    return "fine"


@task(retry=Retry(first=timedelta(seconds=0.1), jitter=False))
def make_an_sql_error() -> None:
    job_session().execute(text("SELECT * FROM there_is_no_such_table"))


@task()
def make_the_session_read_only(path: str) -> None:
    """Make the transaction one of reading alone; one line in `path` for each run."""
    blob.run(0, path)
    job_session().execute(text("SET TRANSACTION READ ONLY"))


@task()
def write_half_a_pair() -> None:
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": "\udce9"})


class NotBegun(JobTask):
    """Fails before its body begins."""

    def before_start(self, *_: Any) -> None:
        raise RuntimeError("not ready to begin")


@task(base=NotBegun)
def never_begin() -> None: ...


@task()
async def be_cancelled() -> None:
    raise asyncio.CancelledError


@task()
def exit_the_program() -> None:
    sys.exit("that is all")


@task()
def run_out_of_memory() -> None:
    raise MemoryError("no more")


@task()
def work_until(path: str, name: str) -> None:
    """Write, look into the database until the test makes `path`, and write again."""
    session = job_session()
    for half in ("first", "second"):
        session.execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": f"{name} {half} half"})
        Path(f"{path}.{name}").touch()
        while not Path(path).exists():
            session.execute(text("SELECT 1"))
            time.sleep(0.02)


@task()
def stand_aside_until(path: str, name: str) -> str:
    """Wait for the test to make `path`; one line in `path` + name for each run."""
    with Path(f"{path}.{name}").open("a") as file:
        file.write("ran\n")
    while not Path(path).exists():
        time.sleep(0.02)
    return name


@task()
def stand_aside_and_write(path: str, name: str) -> str:
    """The same, and an effect of its own, which its process has to commit."""
    stand_aside_until.run(path, name)
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": name})
    return name


@task()
def write_much(path: str, name: str) -> None:
    """Once the test makes `path`, write many rows, and one that names them."""
    stand_aside_until.run(path, name)
    rows = text("INSERT INTO bulk (line) SELECT md5(random()::text) FROM generate_series(1, 100000)")
    job_session().execute(rows)
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": name})


@task(retry=Retry(first=timedelta(seconds=0.1), jitter=False))
def die_once(path: str) -> str:
    """Kill the process that runs this, the first time, once the test makes `path`."""
    started = Path(f"{path}.started")
    if started.exists():
        return "survived"
    started.touch()
    while not Path(path).exists():
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"
