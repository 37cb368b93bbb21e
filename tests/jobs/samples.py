"""Tasks for tests of what clients may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from app.celery_app import celery_app
from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.tokens.scope import declare_scope
from app.topology import Priority, Queue

if TYPE_CHECKING:
    from datetime import date as day
    from fractions import Fraction as Share

    from not_at_run_time import Nowhere  # type: ignore[import-not-found]

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


@task(public=True)
def hinted(when: day, *, share: Share | None = None) -> str:
    """Takes what is imported for type checkers only."""
    return f"{when.year} {share}"


@task()
def hinted_at_nothing(where: Nowhere, shares: list[Nowhere.Part]) -> None:
    """Takes what nobody can import."""


@task(public=True)
def hinted_at_nothing_for_clients(where: Nowhere) -> None:
    """Takes from clients what nobody can import."""


@task(public=True)
def in_place(x: int, y: int = 2, /, z: int = 3, **further: int) -> list[Any]:
    """Takes arguments by position only, and any further ones."""
    return [x, y, z, further]


@task(public=True)
def awkward(copy: int, model_config: int, _x: int = 3, *, json: str = "") -> list[Any]:
    """Takes arguments with names that pydantic keeps to itself."""
    return [copy, model_config, _x, json]


@task(sensitive=("pin",))
def sealed_in_place(user: str, pin: int, /, **further: int) -> list[Any]:
    """Takes secrets by position, and any further arguments."""
    return [user, pin, further]


@task(public=True, sensitive=("token",))
def sealed_among_others(**options: Any) -> dict[str, Any]:
    """Takes a secret among any others."""
    return options


@task(public=True)
def take(value: dict[str, Any]) -> dict[str, Any]:
    """Give back what it is given."""
    return value


@task(public=True, priority=Priority.URGENT)
def hurry(after: int = 0) -> int:
    """Go before the others."""
    return after


@task(durable=False, priority=Priority.LOW)
def idle() -> None:
    """Wait for the others."""


@celery_app.task(name="legacy.hurry", priority=3)
def hurry_as_celery_knows_it() -> None:
    """Go before most others."""
