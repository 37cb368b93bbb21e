"""The commands that start a service or look at the release as a whole."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.terminal import AsJson, print_json, print_rows

app = typer.Typer(
    help="""Background work on plain Linux hosts: no accepted job is ever lost.

Example: groundwork doctor""",
    add_completion=True,
)

Pidfile = Annotated[
    Path | None,
    typer.Option(help="File that holds the process id; a stale one is replaced.", show_default=False),
]


@app.command()
def serve() -> None:
    """Serve the HTTP API with gunicorn.

    Example: groundwork serve
    """
    from app.processes import api_process, become

    become(api_process())


@app.command()
def worker(
    pool: Annotated[str, typer.Argument(help="Which pool to run; see: groundwork topology.")],
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=512, help="Processes, instead of the pool's number.", show_default=False),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Go to the background once started.")] = False,
    pidfile: Pidfile = None,
) -> None:
    """Run the worker of one pool.

    Example: groundwork worker standard
    """
    from app.migrations import refuse_outdated
    from app.processes import become, worker_process
    from app.topology import UnknownPool, pool_named

    try:
        chosen = pool_named(pool)
    except UnknownPool as error:
        raise typer.BadParameter(str(error), param_hint="POOL") from None
    refuse_outdated()
    become(worker_process(chosen, concurrency=concurrency, detach=detach, pidfile=pidfile), pidfile=pidfile)


@app.command()
def beat(pidfile: Pidfile = None) -> None:
    """Run the clockwork: schedules, due jobs, recovery.

    Example: groundwork beat --pidfile /run/groundwork-beat/beat.pid
    """
    from app.migrations import refuse_outdated
    from app.processes import beat_process, become

    refuse_outdated()
    become(beat_process(pidfile=pidfile), pidfile=pidfile)


@app.command()
def flower() -> None:
    """Serve Flower, Celery's dashboard, on this host only.

    Example: groundwork flower
    """
    from app.processes import become, flower_process

    become(flower_process())


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Bring the database to the shape this release needs.

    Example: groundwork migrate
    """
    from app.migrations import current_revision, upgrade

    before = current_revision()
    upgrade()
    after = current_revision()
    if as_json:
        print_json({"from": before, "to": after})
    elif before == after:
        typer.echo(f"The database is at revision {after} already.")
    else:
        typer.echo(f"Migrated the database from {before or 'empty'} to {after}.")


@app.command()
def topology(as_json: AsJson = False) -> None:
    """Show the queues, the pools that drain them, and the services.

    Example: groundwork topology --json
    """
    from app import topology as fleet

    if as_json:
        json.dump(fleet.topology(), sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    print_rows(
        [asdict(pool) for pool in fleet.POOLS],
        columns=("name", "concurrency", "queues", "description"),
        as_json=False,
        empty="There is no pool.",
    )
    typer.echo()
    print_rows(
        [asdict(service) for service in fleet.SERVICES],
        columns=("name", "unit", "description"),
        as_json=False,
        empty="There is no service.",
    )


@app.command()
def tasks(as_json: AsJson = False) -> None:
    """List the tasks of all domains.

    Example: groundwork tasks --json
    """
    from app.jobs.api import list_tasks

    print_rows(
        [view.model_dump(mode="json") for view in list_tasks()],
        columns=("name", "queue", "schedule", "public", "durable", "doc"),
        as_json=as_json,
        empty="No domain declares a task.",
    )


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check everything the service stands on and say what to do about each fault.

    Example: groundwork doctor --json
    """
    from app.doctor import Level, examine
    from app.doctor.report import print_report

    findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_report(findings)
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise typer.Exit(1)
