"""Tasks as somebody wrote them for plain Celery, and what canvases are made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import chord
from celery.exceptions import Retry as CeleryRetry
from celery.result import allow_join_result
from sqlalchemy import text

from app.celery_app import celery_app
from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.jobs.errors import PermanentError, RetryableError
from app.jobs.transitions.attempt import checkpoint, job_session
from tests.sample.tasks import add


@celery_app.task(name="legacy.greet")
def greet(name: str) -> str:
    return f"hello {name}"


@celery_app.task(name="legacy.insist", bind=True, max_retries=3)
def insist(self: Any, times: int) -> int:
    """Retry as Celery's own documentation shows it."""
    try:
        if self.request.retries < times:
            raise ConnectionError("the other side is away")
    except ConnectionError as error:
        raise self.retry(exc=error, countdown=0.1) from error
    return int(self.request.retries)


@celery_app.task(
    name="legacy.persist",
    autoretry_for=(ConnectionError,),
    retry_kwargs={"max_retries": 5, "countdown": 0.05},
)
def persist() -> None:
    """Retried by Celery itself, more often than by default."""
    raise ConnectionError("the other side is away")


@celery_app.task(name="legacy.insist_as_asked", bind=True)
def insist_as_asked(self: Any, most: int) -> None:
    """Bring the limit along with the call."""
    raise self.retry(countdown=0.05, max_retries=most)


@task(retry=Retry(first=timedelta(seconds=0.1), jitter=False))
def retry_by_hand() -> None:
    """Raise what `self.retry()` would have raised after it asked for another attempt."""
    raise CeleryRetry("later")


@task(bind=True)
def replace_itself_by_parts(self: Any, mark: str) -> Any:
    """Go on as the end of a chord, a part of which fails until the test makes it work."""
    raise self.replace(chord([add.si(1, 1), fail_unless_mended.si(mark, 5)], add_up.s()))


@task()
def add_up(values: list[int]) -> int:
    return sum(values)


@task(bind=True)
def add_a_part(self: Any, value: int) -> int:
    """Let the chord of this part wait for one more."""
    self.add_to_chord(add.s(value, value))
    return value


@task()
def wait_for_child(committed: bool) -> Any:
    """Wait for a job that this one queues."""
    child = note.delay("waited for")
    if committed:
        checkpoint()
    with allow_join_result():
        return child.get(timeout=20)


@task(retry=Retry(first=timedelta(hours=1)))
def fail_and_wait() -> None:
    raise RetryableError("again in an hour")


@task(retry=Retry(first=timedelta(seconds=1)))
def fail_and_wait_as_asked() -> None:
    raise RetryableError("the other side wants an hour", after=timedelta(hours=1))


@task()
def note(*values: Any) -> None:
    """Write a row that says with what it was called."""
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": f"note {values!r}"})


@task()
def note_failure(*found: Any, name: str) -> None:
    """An errback."""
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": f"failure {name}"})


@task()
def fail_unless_mended(name: str, value: int) -> int:
    """Fail until a row of that name says that what was wrong is mended."""
    found = job_session().execute(text("SELECT count(*) FROM effect WHERE name = :name"), {"name": name})
    if not found.scalar_one():
        raise PermanentError(f"{name} is not mended")
    return value


@task()
def spread(values: list[int]) -> Any:
    """Accept one job for each value from inside a job."""
    for value in values:
        note.delay("spread", value)
    return len(values)


@task()
def fail_in_the_database(*found: Any) -> None:
    """An errback with a bug."""
    job_session().execute(text("SELECT * FROM no_such_table"))
