"""Tasks that wait in a call of C, where no other thread can raise anything."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text

from app.jobs.celery.task import task
from app.jobs.transitions.attempt import job_session


@task()
def read_pipe(path: str) -> str:
    """What the test writes into its pipe. `path` + started is there once this waits for it."""
    Path(f"{path}.started").touch()
    return Path(path).read_text()


@task(soft_time_limit=None, time_limit=1)
def read_pipe_and_write(path: str) -> None:
    """The same, against whatever is raised, and then an effect."""
    Path(f"{path}.started").touch()
    with suppress(BaseException):
        Path(path).read_text()
    job_session().execute(text("INSERT INTO effect (name) VALUES ('too late')"))


@task(soft_time_limit=1)
def read_pipe_until_the_limit(path: str) -> str:
    """What it may answer to its limit, which it hears of once the test has written."""
    Path(f"{path}.started").touch()
    try:
        return Path(path).read_text()
    except SoftTimeLimitExceeded:
        return "over"


@task()
def process_id() -> int:
    return os.getpid()
