"""Jobs: list, show, submit, wait for, cancel and retry them.

Example: groundwork jobs list --state dead --since 2h
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from app.jobs.ledger.models import State
from app.terminal import AsJson, Document, Pairs, Yes, print_json, print_rows, say_error
from app.values.durations import duration
from app.values.text import printable
from app.values.typed_json import shown

app = typer.Typer(help=__doc__)

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, or the beginning of it.")]
States = Annotated[
    list[State] | None, typer.Option("--state", help="Only this state; may be repeated.", show_default=False)
]
Task = Annotated[str | None, typer.Option(help="Only jobs of this task.", show_default=False)]
Queue = Annotated[str | None, typer.Option(help="Only jobs of this queue.", show_default=False)]
ErrorText = Annotated[
    str | None, typer.Option(help="Only jobs whose error has this text.", show_default=False)
]
SearchKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME:VALUE",
        help="Only jobs with this search key, such as order_id:123.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=500, help="Show at most this many, the newest first.")]
Since = Annotated[
    timedelta | None,
    typer.Option(
        parser=duration,
        metavar="SPAN",
        help="Only jobs accepted within this time, such as 2h.",
        show_default=False,
    ),
]
Delay = Annotated[
    timedelta | None,
    typer.Option(
        "--in",
        parser=duration,
        metavar="SPAN",
        help="Start no sooner than in this time, such as 15min.",
        show_default=False,
    ),
]
Timeout = Annotated[
    timedelta | None,
    typer.Option(
        parser=duration, metavar="SPAN", help="Give up after this time, such as 5min.", show_default=False
    ),
]
Waiting = Annotated[bool, typer.Option("--waiting", help="All waiting jobs that match the options below.")]
Dead = Annotated[bool, typer.Option("--dead", help="All dead jobs that match the options below.")]


@app.command(name="list")
def list_some(
    state: States = None,
    task: Task = None,
    queue: Queue = None,
    since: Since = None,
    error: ErrorText = None,
    key: SearchKey = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first.

    Example: groundwork jobs list --state dead --since 2h --error timeout
    """
    from app.db.sessions import reading
    from app.jobs.commands import filter_of, row_of
    from app.jobs.listing import list_jobs

    filters = filter_of(task=task, queue=queue, since=since, error=error, key=key)
    with reading() as session:
        page = list_jobs(session, filters=filters, states=state or (), limit=limit, cursor=None)
    print_rows(
        [row_of(job) for job in page.jobs],
        columns=("id", "state", "task", "queue", "attempt", "accepted_at", "error"),
        as_json=as_json,
        empty="No job matches.",
    )


@app.command()
def show(job_id: JobId, as_json: AsJson = False) -> None:
    """Show everything that is known about a job.

    Example: groundwork jobs show 1b9d6bcd
    """
    from app.db.sessions import reading
    from app.jobs.lookup import find_id
    from app.jobs.service import detail_of
    from app.terminal import print_document

    with reading() as session:
        detail = detail_of(session, job_id=find_id(session, prefix=job_id))
    if as_json:
        print_json(detail.model_dump(mode="json"))
        return
    # The sentence has all that is said of its wait.
    for_scripts = {"hidden_without", "wait_cause", "wait_figures"}
    print_document(
        detail.model_dump(
            exclude={"attempts": {"__all__": {"traceback"}}, **dict.fromkeys(for_scripts, True)}
        )
    )
    traceback = next((attempt.traceback for attempt in reversed(detail.attempts) if attempt.traceback), None)
    if traceback:
        typer.echo(printable(traceback))


@app.command()
def log(job_id: JobId, as_json: AsJson = False) -> None:
    """Print what a job has logged; of each attempt, the first and the last lines are kept.

    Example: groundwork jobs log 1b9d6bcd
    """
    from app.db.sessions import reading
    from app.jobs.logged.reading import as_text, lines_of
    from app.jobs.lookup import find_id

    with reading() as session:
        lines = lines_of(session, job_id=find_id(session, prefix=job_id))
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    for line in as_text(lines):
        typer.echo(line)
    if not lines:
        say_error("It has logged nothing that is kept.")


@app.command()
def evidence(job_id: JobId) -> None:
    """Print everything about a job as one JSON document to hand on, masked.

    Example: groundwork jobs evidence 1b9d6bcd > evidence.json
    """
    from app.db.sessions import reading
    from app.jobs.lookup import find_id
    from app.jobs.web.bundle import evidence_of

    with reading() as session:
        found = find_id(session, prefix=job_id)
    print_json(evidence_of(found, looking=reading))


@app.command()
def submit(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task; see: groundwork tasks.")],
    arg: Pairs = None,
    json_args: Document = None,
    delay: Delay = None,
    key: Annotated[str | None, typer.Option(help="The same key is the same job.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Accept a job of any task and print its id.

    Example: groundwork jobs submit pricing.recompute_all_discounts --arg days_threshold=30
    """
    from app.jobs.commands import accept_one

    job_id = accept_one(task, pairs=arg or [], document=json_args, delay=delay, key=key)
    if as_json:
        print_json({"id": job_id, "task": task})
    else:
        typer.echo(job_id)


@app.command()
def wait(job_id: JobId, timeout: Timeout = None, as_json: AsJson = False) -> None:
    """Wait until a job ends; the exit code is 0 when it is done and 1 otherwise.

    Example: groundwork jobs wait 1b9d6bcd --timeout 5min
    """
    from app.db.sessions import reading
    from app.jobs.lookup import find_id
    from app.jobs.watch import watch

    with reading() as session:
        found = find_id(session, prefix=job_id)
    job = watch(found, timeout=timeout)
    result = shown(job.result)
    if as_json:
        print_json({"id": job.id, "state": job.state, "result": result, "error": job.error})
    else:
        typer.echo(f"Job {job.id} is {job.state}.")
        if job.error:
            say_error(job.error)
        if result is not None:
            print_json(result)
    if job.state != State.DONE:
        raise typer.Exit(1)


@app.command()
def cancel(
    job_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A job that is not finished.", show_default=False)
    ] = None,
    waiting: Waiting = False,
    task: Task = None,
    queue: Queue = None,
    since: Since = None,
    yes: Yes = False,
) -> None:
    """Cancel a job that is not finished, or all waiting ones that match.

    What a running job did since its last checkpoint is undone.
    Example: groundwork jobs cancel --waiting --queue emails
    """
    from app.jobs.commands import cancel_many, cancel_one, filter_of

    if waiting == (job_id is not None):
        raise typer.BadParameter("give either a job's ID or --waiting", param_hint="ID")
    if job_id is None:
        cancel_many(filter_of(task=task, queue=queue, since=since, error=None), confirmed=yes)
        return
    typer.echo(f"Job {cancel_one(job_id)} is cancelled.")


@app.command()
def retry(
    job_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A dead or cancelled job.", show_default=False)
    ] = None,
    dead: Dead = False,
    task: Task = None,
    queue: Queue = None,
    since: Since = None,
    error: ErrorText = None,
    yes: Yes = False,
) -> None:
    """Run a dead or cancelled job again, or all dead ones that match.

    Example: groundwork jobs retry --dead --task pricing.update_price_history --yes
    """
    from app.jobs.commands import filter_of, retry_many, retry_one

    if dead == (job_id is not None):
        raise typer.BadParameter("give either a job's ID or --dead", param_hint="ID")
    if job_id is not None:
        typer.echo(f"Job {retry_one(job_id)} runs again.")
        return
    filters = filter_of(task=task, queue=queue, since=since, error=error)
    retry_many(filters, confirmed=yes)


@app.command()
def stats(as_json: AsJson = False) -> None:
    """Count the jobs by task and state.

    Example: groundwork jobs stats
    """
    from app.jobs.commands import counts

    print_rows(
        counts(), columns=("task", *State), as_json=as_json, empty="There is no job in the ledger yet."
    )
