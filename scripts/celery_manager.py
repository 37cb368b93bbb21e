#!/usr/bin/env python3
"""Celery's everyday commands under one roof: a thin door to `groundwork` and `celery`."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"

if importlib.util.find_spec("typer") is None:
    if not PYTHON.exists():
        sys.exit("Groundwork is not set up here yet. Run scripts/up first.")
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606

sys.path.insert(0, str(ROOT))
# The settings of a checkout lie in it: var/groundwork.env.
os.chdir(ROOT)

from typing import Annotated  # noqa: E402 (the path above must be set first)

import typer  # noqa: E402
from typer.main import get_group  # noqa: E402

from app import cli  # noqa: E402
from app.__main__ import run  # noqa: E402
from app.processes.command_lines import Process, worker_process  # noqa: E402
from app.terminal import Yes, confirm, log_warnings  # noqa: E402
from app.topology import Pool, Queue  # noqa: E402

app = typer.Typer(
    help="""Celery's everyday commands for this service.

Example: scripts/celery_manager.py worker standard""",
    add_completion=False,
)
app.command()(cli.beat)
app.command()(cli.flower)


@app.command()
def worker(
    pool: Annotated[
        str | None, typer.Argument(help="Which pool; without it, one worker for every queue.")
    ] = None,
) -> Process | None:
    """Run a worker.

    Example: scripts/celery_manager.py worker standard
    """
    if pool is not None:
        return cli.worker(pool)
    everything = Pool(
        name="all", queues=tuple(Queue), concurrency=os.cpu_count() or 1, description="all queues"
    )
    return worker_process(everything)


@app.command()
def active() -> Process:
    """Show what the workers run right now.

    Example: scripts/celery_manager.py active
    """
    return _inspect("active")


@app.command()
def scheduled() -> Process:
    """Show what the workers hold for later. Jobs of the ledger wait there instead: groundwork jobs list.

    Example: scripts/celery_manager.py scheduled
    """
    return _inspect("scheduled")


@app.command()
def purge(yes: Yes = False) -> None:
    """Empty all queues: messages are removed, and the jobs that wait are cancelled in the ledger.

    Example: scripts/celery_manager.py purge --yes
    """
    if not yes:
        confirm("Cancel all jobs that wait, and remove all messages from the queues?")
    from app.celery_app import celery_app

    count = celery_app.control.purge()
    typer.echo(f"{count} jobs and messages removed. Cancelled jobs can run again: groundwork jobs retry ID")


def _inspect(what: str) -> Process:
    return Process(module="celery", arguments=("-A", "app.celery_app", "--quiet", "inspect", what))


if __name__ == "__main__":
    log_warnings()
    sys.exit(run(sys.argv[1:], commands=get_group(app), name="celery_manager.py"))
