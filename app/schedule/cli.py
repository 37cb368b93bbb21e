"""Schedules: which tasks run by themselves, and when.

Example: groundwork schedules list
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from app.schedule.policies import Misfire, Overlap
from app.terminal import AsJson, Document, Pairs, print_json, print_rows
from app.values.durations import duration

app = typer.Typer(help=__doc__)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The schedule; of a default, the name of its task.")
]
CronText = Annotated[
    str | None, typer.Option("--cron", help='Five fields, such as "0 2 * * *".', show_default=False)
]
Timezone = Annotated[
    str | None,
    typer.Option(
        help="Whose clock --cron means, such as Europe/Berlin; if left out, UTC.", show_default=False
    ),
]
Moment = Annotated[
    str | None, typer.Option(metavar="TIME", help="Such as 2030-01-31T08:00:00Z.", show_default=False)
]
Queue = Annotated[str | None, typer.Option(help="If left out, that of the task.", show_default=False)]
Priority = Annotated[
    str | None,
    typer.Option(help="urgent, high, normal or low; if left out, that of the task.", show_default=False),
]
OneOff = Annotated[
    bool | None,
    typer.Option("--one-off/--repeated", help="Disable it after its first moment.", show_default=False),
]
OverlapOption = Annotated[
    Overlap | None,
    typer.Option(help="What becomes of a moment while an earlier job is not finished.", show_default=False),
]
MisfireOption = Annotated[
    Misfire | None, typer.Option(help="What becomes of moments that nobody saw.", show_default=False)
]


def _span(text: str) -> Any:
    """An option that is a span of time."""
    return typer.Option(parser=duration, metavar="SPAN", help=text, show_default=False)


Every = Annotated[timedelta | None, _span("Fire at multiples of this, such as 15min.")]
Grace = Annotated[timedelta | None, _span("A moment older than this is not fired.")]
Jitter = Annotated[timedelta | None, _span("Each job waits a part of this.")]
Within = Annotated[timedelta | None, _span("Report it when it has not succeeded for so long, such as 25h.")]


@app.command(name="list")
def list_all(as_json: AsJson = False) -> None:
    """List the schedules with the time each fired last and fires next.

    Example: groundwork schedules list --json
    """
    from app.schedule.commands import rows

    print_rows(
        rows(),
        columns=("name", "schedule", "queue", "state", "last_fire_at", "next_fire_at"),
        as_json=as_json,
        empty="There is no schedule. Beat makes those that tasks declare when it starts.",
    )


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show everything that is known about a schedule.

    Example: groundwork schedules show banking.sync_all_accounts
    """
    from app.schedule.commands import document
    from app.terminal import print_document

    found = document(name)
    if as_json:
        print_json(found)
    else:
        print_document(found)


@app.command()
def create(
    name: Name,
    task: Annotated[str, typer.Option(help="The task; see: groundwork tasks.")],
    arg: Pairs = None,
    json_args: Document = None,
    cron: CronText = None,
    every: Every = None,
    at: Moment = None,
    timezone: Timezone = None,
    queue: Queue = None,
    priority: Priority = None,
    starts_at: Moment = None,
    ends_at: Moment = None,
    one_off: OneOff = None,
    overlap: OverlapOption = None,
    misfire: MisfireOption = None,
    grace: Grace = None,
    jitter: Jitter = None,
    success_within: Within = None,
    as_json: AsJson = False,
) -> None:
    """Make a schedule that begins now.

    Example: groundwork schedules create nightly --task pricing.recompute_all_discounts --cron "0 3 * * *"
    """
    options = _given(locals())
    from app.schedule.commands import create_one, settings_of

    _say(create_one(name, task=task, given=settings_of(**options)), as_json=as_json)


@app.command()
def change(
    name: Name,
    arg: Pairs = None,
    json_args: Document = None,
    cron: CronText = None,
    every: Every = None,
    at: Moment = None,
    timezone: Timezone = None,
    queue: Queue = None,
    priority: Priority = None,
    starts_at: Moment = None,
    ends_at: Moment = None,
    one_off: OneOff = None,
    overlap: OverlapOption = None,
    misfire: MisfireOption = None,
    grace: Grace = None,
    jitter: Jitter = None,
    success_within: Within = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given of a schedule. Beat goes by it within seconds; restarts and deploys keep it.

    Example: groundwork schedules change banking.sync_all_accounts --cron "30 3 * * *"
    """
    options = _given(locals())
    from app.schedule.commands import change_one, settings_of

    if not options:
        raise typer.BadParameter("name at least one thing to change", param_hint="--cron")
    _say(change_one(name, given=settings_of(**options)), as_json=as_json)


@app.command()
def enable(name: Name) -> None:
    """Let a schedule fire, from now on.

    Example: groundwork schedules enable nightly
    """
    from app.schedule.commands import change_one

    _say(change_one(name, given={"enabled": True}), as_json=False)


@app.command()
def disable(name: Name) -> None:
    """Let a schedule fire no more until it is enabled; its moments meanwhile are passed over.

    Example: groundwork schedules disable nightly
    """
    from app.schedule.commands import change_one

    _say(change_one(name, given={"enabled": False}), as_json=False)


@app.command()
def reset(name: Name) -> None:
    """Take back what was changed of a schedule that a task declares.

    Example: groundwork schedules reset banking.sync_all_accounts
    """
    from app.schedule.commands import reset_one

    _say(reset_one(name), as_json=False)


@app.command()
def delete(name: Name) -> None:
    """Delete a schedule that no task declares.

    Example: groundwork schedules delete nightly
    """
    from app.schedule.commands import delete_one

    delete_one(name)
    typer.echo(f"The schedule {name} is deleted.")


@app.command()
def fire(name: Name, as_json: AsJson = False) -> None:
    """Submit a job of a schedule now, beside those that it submits by itself.

    Example: groundwork schedules fire pricing.cleanup_expired_discounts
    """
    from app.schedule.commands import fire_one

    job_id = fire_one(name)
    if as_json:
        print_json({"id": job_id, "schedule": name})
    else:
        typer.echo(job_id)


@app.command()
def preview(
    name: Name,
    count: Annotated[int, typer.Option(min=1, max=100, help="So many moments.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show the next moments of a schedule, in UTC.

    Example: groundwork schedules preview nightly
    """
    from app.schedule.commands import moments_of

    moments = [moment.isoformat() for moment in moments_of(name, count=count)]
    if as_json:
        print_json(moments)
    else:
        typer.echo("\n".join(moments) or f"{name} will not fire again.")


@app.command()
def runs(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Show at most this many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what came of the last moments of a schedule, the newest first.

    Example: groundwork schedules runs banking.sync_all_accounts
    """
    from app.schedule.commands import runs_of

    print_rows(
        runs_of(name, limit=limit),
        columns=("moment", "outcome", "job_id", "seconds", "error"),
        as_json=as_json,
        empty=f"{name} has not fired yet.",
    )


@app.command()
def check() -> None:
    """Say of each schedule that this release could not fire why; the exit code is 1 if there is one.

    Example: groundwork schedules check
    """
    from app.schedule.commands import problems

    found = problems()
    for name, problem in found.items():
        typer.echo(f"{name}: {problem}")
    if found:
        raise typer.Exit(1)
    typer.echo("Every schedule has its task, arguments that the task takes, and a queue that a pool drains.")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """What a command was given of the schedule's settings."""
    others = {"name", "task", "as_json"}
    return {name: value for name, value in options.items() if value is not None and name not in others}


def _say(view: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(view.model_dump(mode="json"))
        return
    when = f"next at {view.next_fire_at.isoformat()}" if view.next_fire_at else "does not fire"
    typer.echo(f"{view.name}: {view.schedule}; {when}.")
