"""Tasks that end as those do whom a collector and Sentry hear of."""

from __future__ import annotations

from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from tests.sample.tasks import add, wait_for_file

NO_RETRY = Retry(max_attempts=1)


@task(sensitive=("password",), retry=NO_RETRY)
def sign_in(user: str, password: dict[str, str]) -> None:
    """Fails, and quotes what it must not."""
    raise ValueError(f"{user} cannot sign in with {password['word']}")


@task(scope="orders:write", retry=NO_RETRY)
def remind(user: str) -> None:
    """Fails at what is somebody's own."""
    raise ValueError(f"{user} is reminded in vain")


@task(sensitive=("password",), retry=NO_RETRY)
def wait_signed_in(path: str, password: dict[str, str]) -> str:
    """Waits until its worker is killed."""
    return str(wait_for_file.run(path))


@task()
def add_later(x: int) -> str:
    """The id of a job that this one queues."""
    return str(add.delay(x, y=1).id)
