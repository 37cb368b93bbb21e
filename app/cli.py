"""The commands that start a service or look at the release as a whole.

The first kind answers with the process to turn into, once nothing of the command line is left to do.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.processes.command_lines import Process, api_process, beat_process, flower_process, worker_process
from app.processes.pidfile import clear_pidfile
from app.settings.sources import installed_release
from app.terminal import AsJson, print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.topology import Pool

app = typer.Typer(add_completion=True)

#: The commands that turn into a service.
SERVICE_COMMANDS = frozenset({"serve", "worker", "beat", "flower"})

Pidfile = Annotated[
    Path | None,
    typer.Option(help="File that holds the process id; a stale one is replaced.", show_default=False),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"groundwork {version('groundwork')}, release {installed_release()}")
        raise typer.Exit


@app.callback()
def _whole(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show version and release."),
    ] = False,
) -> None:
    """Background work on plain Linux hosts: no accepted job is ever lost.

    Example: groundwork doctor
    """


@app.command()
def serve(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port; overrides the setting.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Number of processes; overrides the setting.", show_default=False),
    ] = None,
) -> Process:
    """Serve the HTTP API with gunicorn.

    Example: groundwork serve --port 8001 --workers 1
    """
    return api_process(port=port, workers=workers)


@app.command()
def worker(
    pool: Annotated[str, typer.Argument(help="Which pool to run; see: groundwork topology.")],
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=512, help="Number of processes; overrides the pool's.", show_default=False),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Run in the background; return once it takes jobs.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take over from the worker of --pidfile, which then drains.")
    ] = False,
    pidfile: Pidfile = None,
) -> Process | None:
    """Run the worker of one pool.

    Example: groundwork worker standard
    """
    from app.settings.sources import renew_credentials
    from app.worker import launch

    if (detach or replace) and pidfile is None:
        raise typer.BadParameter("a worker in the background needs a pidfile", param_hint="--pidfile")
    chosen = _pools_named([pool])[0]
    if replace:
        renew_credentials()
    if pidfile is None:
        return worker_process(chosen, concurrency=concurrency)
    if detach or replace:
        return launch.in_background(
            chosen, concurrency=concurrency, pidfile=pidfile.absolute(), replace=replace
        )
    place = launch.take_place(pidfile.absolute())
    return worker_process(chosen, concurrency=concurrency, pidfile=pidfile, generation=place)


@app.command()
def beat(pidfile: Pidfile = None) -> Process:
    """Run the scheduler: schedules, due jobs, recovery.

    Example: groundwork beat --pidfile /run/groundwork-beat/beat.pid
    """
    process = beat_process(pidfile=pidfile)
    if pidfile is not None:
        clear_pidfile(pidfile.absolute())
    return process


@app.command()
def flower() -> Process:
    """Serve Flower, Celery's dashboard, on this host only.

    Example: groundwork flower
    """
    return flower_process()


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Migrate the database to the schema that this release needs, and note the schedules of its tasks.

    Example: groundwork migrate
    """
    from app.db.migrations.revisions import current_revision, upgrade
    from app.db.sessions import transaction
    from app.schedule.defaults import seed

    before = current_revision()
    upgrade()
    with transaction() as session:
        seed(session)
    after = current_revision()
    if as_json:
        print_json({"from": before, "to": after})
    elif before == after:
        typer.echo(f"The database is already at revision {after}.")
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
    from app.jobs.web.api import list_tasks

    print_rows(
        [view.model_dump(mode="json") for view in list_tasks()],
        columns=("name", "queue", "schedule", "public", "durable", "doc"),
        as_json=as_json,
        empty="No domain declares a task.",
    )


@app.command()
def smoke(
    pool: Annotated[
        list[str] | None,
        typer.Option(help="Only this pool; may be repeated.", show_default=False),
    ] = None,
    timeout: Annotated[
        int, typer.Option(min=1, max=3600, metavar="SECONDS", help="Give up after this time.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Send a job that does nothing through the queue of each pool and wait until all are done.

    Example: groundwork smoke --pool standard --timeout 10
    """
    from datetime import timedelta

    from app.health.smoke.service import probe
    from app.logs.failures import first_line
    from app.terminal import say_error

    probes = probe(_pools_named(pool), timeout=timedelta(seconds=timeout))
    print_rows(
        [asdict(found) for found in probes],
        columns=("pool", "state", "seconds", "worker", "release", "error"),
        as_json=as_json,
        empty="There is no pool.",
    )
    for found in probes:
        if not found.is_done:
            say_error(
                f'The pool "{found.pool}" ran no job within {timeout} s: {found.job_id} is {found.state}'
                f"{', ' + first_line(found.error) if found.error else ''}. Run: groundwork doctor"
            )
    if not all(found.is_done for found in probes):
        raise typer.Exit(1)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check everything the service stands on and say what to do about each fault.

    Example: groundwork doctor --json
    """
    from app.health.doctor.examination import examine
    from app.health.doctor.finding import Level
    from app.health.doctor.report import print_report

    findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_report(findings)
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise typer.Exit(1)


def _pools_named(names: Sequence[str] | None) -> list[Pool]:
    """The pools of those names, all of them without names."""
    from app.topology import POOLS, UnknownPool, pool_named

    try:
        return [pool_named(name) for name in names] if names else list(POOLS)
    except UnknownPool as error:
        raise typer.BadParameter(str(error), param_hint="pool") from None
