"""Schedules: which tasks run by themselves, and when.

Example: groundwork schedules list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.errors import NotFound
from app.terminal import AsJson, print_json, print_rows
from app.values.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

app = typer.Typer(help=__doc__)


class UnknownSchedule(NotFound):
    """Raised for a name that no schedule has."""

    code = "unknown_schedule"

    def __init__(self, *, name: str, known: Collection[str]) -> None:
        hint = did_you_mean(name, known, otherwise="`groundwork schedules list` shows them.")
        super().__init__(f'There is no schedule "{name}". {hint}')


@app.command(name="list")
def list_all(as_json: AsJson = False) -> None:
    """List the schedules with the time each fired last and fires next.

    Example: groundwork schedules list --json
    """
    from app.schedule.api import list_schedules

    print_rows(
        [schedule.model_dump() for schedule in list_schedules()],
        columns=("task", "schedule", "queue", "last_fire_at", "next_fire_at"),
        as_json=as_json,
        empty="No task has a schedule.",
    )


@app.command()
def fire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The schedule: the name of its task.")],
    as_json: AsJson = False,
) -> None:
    """Submit a job of a schedule now, beside those that it submits by itself.

    Example: groundwork schedules fire pricing.cleanup_expired_discounts
    """
    from app.jobs.celery.application import celery_app
    from app.jobs.declaration.registry import tasks

    scheduled = [spec.name for spec in tasks().values() if spec.schedule is not None]
    if name not in scheduled:
        raise UnknownSchedule(name=name, known=scheduled)
    job_id = str(celery_app.send_task(name).id)
    if as_json:
        print_json({"id": job_id, "task": name})
    else:
        typer.echo(job_id)
