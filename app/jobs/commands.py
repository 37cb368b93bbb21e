"""What the commands of `groundwork jobs` do, each in transactions of its own."""

from __future__ import annotations

import getpass
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import track
from sqlalchemy import func, select

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.cancelling import cancel_in_batches, count_waiting
from app.jobs.celery.application import celery_app
from app.jobs.celery.control import ask_to_stop
from app.jobs.declaration import registry
from app.jobs.declaration.arguments import checked_arguments, typed_arguments
from app.jobs.ledger.models import Job, State
from app.jobs.listing import conditions
from app.jobs.lookup import find_id
from app.jobs.service import RETRY_BATCH, cancel_job, retry_dead, retry_job
from app.jobs.views import JobFilter, JobSummary
from app.terminal import confirm, error_console, say_error

if TYPE_CHECKING:
    from collections.abc import Sequence


def filter_of(
    *,
    task: str | None,
    queue: str | None,
    since: timedelta | None,
    error: str | None,
    key: str | None = None,
) -> JobFilter:
    """The filter of the command line's options."""
    after = datetime.now(UTC) - since if since is not None else None
    return JobFilter.model_construct(
        task=task, queue=queue, accepted_after=after, accepted_before=None, error=error, key=key
    )


def row_of(job: object) -> dict[str, Any]:
    """A job as one row of a list."""
    return JobSummary.model_validate(job).model_dump()


def accept_one(
    task: str, *, pairs: Sequence[str], document: str | None, delay: timedelta | None, key: str | None
) -> str:
    """Accept a job of any declared task; its id."""
    spec = registry.spec_of(task)
    arguments = checked_arguments(spec, typed_arguments(pairs=pairs, document=document))
    options: dict[str, Any] = {"key": key} if key is not None else {}
    if delay is not None:
        options["countdown"] = delay.total_seconds()
    return str(celery_app.send_task(spec.name, kwargs=arguments, **options).id)


def cancel_one(prefix: str) -> str:
    """Cancel a job and have its worker stop; its id."""
    with transaction() as session:
        job_id = find_id(session, prefix=prefix)
        running = cancel_job(session, job_id=job_id, reason=_by_operator())
    if running and not ask_to_stop(job_id):
        say_error("Its worker could not be told to stop; what it still does will not be kept.")
    return job_id


def retry_one(prefix: str) -> str:
    """Run a dead or cancelled job again; its id."""
    with transaction() as session:
        return retry_job(session, job_id=find_id(session, prefix=prefix)).id


def retry_many(filters: JobFilter, *, confirmed: bool) -> None:
    """Run the dead jobs that fit again, in batches, once somebody said yes."""
    with reading() as session:
        started = session.scalars(select(clock())).one()
        wanted = select(func.count()).select_from(Job).where(*conditions(filters, states=[State.DEAD]))
        total = session.scalars(wanted).one()
    if not total:
        typer.echo("No dead job matches.")
        return
    if not confirmed:
        confirm(f"Run {total} dead jobs again?")
    retried = 0
    for _ in track(
        range(0, total, RETRY_BATCH), console=error_console(), transient=True, description="Retrying"
    ):
        with transaction() as session:
            retried += retry_dead(session, filters=filters, dead_before=started, limit=RETRY_BATCH)
    typer.echo(f"{retried} jobs run again.")


def cancel_many(filters: JobFilter, *, confirmed: bool) -> None:
    """Cancel the waiting jobs that fit, once somebody said yes."""
    with reading() as session:
        total = count_waiting(session, filters=filters)
    if not total:
        typer.echo("No waiting job matches.")
        return
    if not confirmed:
        confirm(f"Cancel {total} waiting jobs?")
    cancelled = cancel_in_batches(filters, reason=_by_operator())
    typer.echo(f"{cancelled.jobs} jobs are cancelled.")


def _by_operator() -> str:
    return f"Cancelled by {getpass.getuser()} on the command line"


def counts() -> list[dict[str, Any]]:
    """For each task how many jobs are in each state."""
    with reading() as session:
        found = session.execute(select(Job.task, Job.state, func.count()).group_by(Job.task, Job.state))
        rows: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(State, 0))
        for task, state, count in found:
            rows[task][State(state)] = count
    return [{"task": task, **by_state} for task, by_state in sorted(rows.items())]
