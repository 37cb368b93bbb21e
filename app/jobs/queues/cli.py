"""Queues: see them, pause them, resume them.

Example: groundwork queues list
"""

from __future__ import annotations

import getpass
from datetime import timedelta  # noqa: TC003 (Typer reads the annotations)
from typing import Annotated

import typer

from app.terminal import AsJson, print_rows, say_error
from app.values.durations import duration

app = typer.Typer(help=__doc__)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The queue; see: groundwork queues list.")]


@app.command(name="list")
def list_all(as_json: AsJson = False) -> None:
    """List the queues, and which are paused, since when, by whom and why.

    Example: groundwork queues list --json
    """
    from app.db.sessions import reading
    from app.jobs.queues.views import queues_of

    with reading() as session:
        found = [view.model_dump() for view in queues_of(session)]
    rows = [
        {
            "name": one["name"],
            "pools": one["pools"],
            "state": "paused" if one["paused"] else "drained",
            **(one["paused"] or dict.fromkeys(("since", "until", "by", "reason"))),
        }
        for one in found
    ]
    columns = ("name", "pools", "state", "since", "until", "by", "reason")
    print_rows(rows, columns=columns, as_json=as_json, empty="There is no queue.")


@app.command()
def pause(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks next.", show_default=False)],
    span: Annotated[
        timedelta | None,
        typer.Option(
            "--for",
            parser=duration,
            metavar="SPAN",
            help="Resume it after so long, such as 2h; if left out, when somebody does.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Have no more jobs of a queue begin: they are accepted and wait. Those that run go on.

    Example: groundwork queues pause banking --reason "The bank moves its servers." --for 2h
    """
    from app.db.clock import now
    from app.db.sessions import transaction
    from app.jobs.pauses import service

    with transaction() as session:
        until = now(session) + span if span is not None else None
        service.pause(session, name, reason=reason, by=_whoever_asks(), until=until)
    end = f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else f"until: groundwork queues resume {name}"
    typer.echo(f'The queue "{name}" is paused {end}')
    _tell()


@app.command()
def resume(name: Name) -> None:
    """Have the jobs of a queue begin again.

    Example: groundwork queues resume banking
    """
    from app.db.sessions import transaction
    from app.jobs.pauses import service

    with transaction() as session:
        was_paused = service.resume(session, name, by=_whoever_asks())
    if not was_paused:
        say_error(f'The queue "{name}" is not paused. See which are: groundwork queues list')
        raise typer.Exit(1)
    typer.echo(f'The queue "{name}" is resumed.')
    _tell()


def _tell() -> None:
    from app.jobs.celery.control import tell_of_pauses

    if not tell_of_pauses():
        say_error("The workers could not be told at once: they ask at their next heartbeat.")


def _whoever_asks() -> str:
    return f"{getpass.getuser()} on the command line"
