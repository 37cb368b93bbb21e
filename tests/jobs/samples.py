"""Tasks for tests of what clients may ask for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.jobs import Retry, task
from app.scopes import declare_scope
from app.topology import Queue

HELD = declare_scope("tests:transfer", "Transfer something, in tests.")


@task(public=True, queue=Queue.MAINTENANCE, retry=Retry(max_attempts=5))
def greet(name: str, times: Annotated[int, Field(ge=1, le=10)] = 1) -> str:
    """Say hello.

    As often as asked.
    """
    return ", ".join([f"hello {name}"] * times)


@task(public=True, sensitive=("password",))
def sign_in(user: str, password: str) -> None:
    """Take a secret."""


@task(public=True, scope=HELD)
def transfer(iban: str) -> dict[str, str]:
    """Take what only some may see."""
    return {"iban": iban}


@task()
def internal() -> None:
    """Not for clients."""
