"""Billing: import the time that people worked, list it, and approve a month of it.

Example: groundwork billing import march.csv --tenant 1
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.domains.billing.time_capture.models import EntryState
from app.terminal import AsJson, print_json, print_rows, say_error

if TYPE_CHECKING:
    from app.domains.billing.time_capture.listing import Wanted

app = typer.Typer(help=__doc__)

File = Annotated[Path, typer.Argument(help="A CSV file in UTF-8.")]
State = Annotated[EntryState | None, typer.Option(help="What was decided.", show_default=False)]
Tenant = Annotated[int, typer.Option(min=1, help="Id of the tenant.")]
Period = Annotated[str | None, typer.Option(metavar="YYYY-MM", help="A month.", show_default=False)]
OfClient = Annotated[int | None, typer.Option(min=1, help="Id of a client.", show_default=False)]
COLUMNS = ("id", "project_id", "user_id", "state", "started", "minutes", "billable", "description")
#: Entries that are decided on in one transaction.
AT_ONCE = 5_000


@app.command(name="import")
def import_file(
    file: File,
    tenant: Tenant,
    as_json: AsJson = False,
) -> None:
    """Import time entries from a CSV file. Each bad row is named, and stops no other.

    Columns: key,client,project,worker,started_at,ended_at,timezone,description. Clients and projects go by
    their names, workers by their mail addresses; timezone (without one, the worker's) and description may be
    absent. The same file again changes nothing; a changed row changes what has its key while it is pending.

    Example: groundwork billing import march.csv --tenant 1
    """
    from dataclasses import asdict

    from app.domains.billing.commands import import_here
    from app.domains.billing.time_capture.imports.files import RowsLeftOut

    problems, done = import_here(file, tenant_id=tenant)
    if as_json:
        print_json({"problems": [vars(problem) for problem in problems], **asdict(done)})
    else:
        for problem in problems:
            say_error(str(problem))
        typer.echo(f"{done.created} created, {done.updated} updated, {done.unchanged} unchanged.")
    if done.refused:
        raise RowsLeftOut(count=done.refused)


@app.command(name="entries")
def list_entries(
    tenant: Tenant,
    period: Period = None,
    client: OfClient = None,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show at most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the time entries of a tenant, the last stored first.

    Example: groundwork billing entries --tenant 1 --period 2026-03 --state pending
    """
    from app.domains.billing.commands import listed

    rows, more = listed(_wanted(period, client=client, state=state), tenant_id=tenant, limit=limit)
    print_rows(rows, columns=COLUMNS, as_json=as_json, empty="There is no such entry.")
    if more and not as_json:
        say_error(f"There are more; raise --limit above {limit}.")


@app.command()
def approve(
    tenant: Tenant,
    period: Annotated[str, typer.Option(metavar="YYYY-MM", help="The month, by the clients' clocks.")],
    client: OfClient = None,
    as_json: AsJson = False,
) -> None:
    """Approve the pending time entries of a month; what comes meanwhile is left out.

    Example: groundwork billing approve --tenant 1 --period 2026-03
    """
    from dataclasses import asdict

    from app.domains.billing.commands import approve_here

    found = approve_here(_wanted(period, client=client), tenant_id=tenant, at_once=AT_ONCE)
    if as_json:
        print_json(asdict(found))
        return
    typer.echo(f"{found.decided} approved, {found.unchanged} were before.")
    if found.refused:
        typer.echo(f"{found.refused} were rejected or billed before, and stay so.")


def _wanted(period: str | None, *, client: int | None, state: EntryState | None = None) -> Wanted:
    from app.domains.billing.charging.periods import Period as Month
    from app.domains.billing.time_capture.listing import Wanted

    month = None if period is None else Month.parse(period)
    return Wanted(period=month, client_id=client, state=state)
