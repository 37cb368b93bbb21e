"""Audit: who asked what of the API, and who signed in.

Example: groundwork audit list --user deploy --since 2h
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.terminal import AsJson, print_rows
from app.values.durations import duration

app = typer.Typer(help=__doc__)

COLUMNS = ("at", "user_name", "method", "path", "status", "code", "milliseconds", "address")
LOGIN_COLUMNS = ("at", "user_name", "status", "message", "address", "browser", "os")


class Log(StrEnum):
    """The two logs."""

    OPERATIONS = "operations"
    LOGINS = "logins"


Which = Annotated[Log, typer.Option("--log", help="Which of the two logs.")]
User = Annotated[str | None, typer.Option(help="Of this user or token.", show_default=False)]
Method = Annotated[str | None, typer.Option(help="With this method, such as POST.", show_default=False)]
Route = Annotated[str | None, typer.Option(help="Of this route, as its template.", show_default=False)]
PathPrefix = Annotated[str | None, typer.Option("--path", help="Whose path begins so.", show_default=False)]
Status = Annotated[str | None, typer.Option(help="With this status: 403, or failure.", show_default=False)]
Code = Annotated[str | None, typer.Option(help="With this code of a problem.", show_default=False)]
Address = Annotated[str | None, typer.Option(help="From this address.", show_default=False)]
Trace = Annotated[str | None, typer.Option("--trace-id", help="Of this request.", show_default=False)]
Since = Annotated[
    timedelta | None,
    typer.Option(parser=duration, metavar="SPAN", help="No older than this: 2h, 7d.", show_default=False),
]
Target = Annotated[Path, typer.Option(metavar="FILE", help="Where to write; - is standard output.")]


@app.command(name="list")
def list_log(
    log: Which = Log.OPERATIONS,
    user: User = None,
    method: Method = None,
    route: Route = None,
    path: PathPrefix = None,
    status: Status = None,
    code: Code = None,
    address: Address = None,
    trace_id: Trace = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was asked of the API, or who signed in, the newest first.

    Example: groundwork audit list --path /api/v1/users --status 403
    """
    from app.domains.audit import commands

    given = {"method": method, "route": route, "path": path, "code": code, "address": address}
    filters = commands.filters(log, since=since, user=user, status=status, trace_id=trace_id, **given)
    columns = COLUMNS if log is Log.OPERATIONS else LOGIN_COLUMNS
    rows = commands.shown(log, filters=filters, limit=limit)
    print_rows(rows, columns=columns, as_json=as_json, empty="No record matches.")


@app.command()
def export(
    to: Target,
    log: Which = Log.OPERATIONS,
    user: User = None,
    method: Method = None,
    route: Route = None,
    path: PathPrefix = None,
    status: Status = None,
    code: Code = None,
    address: Address = None,
    trace_id: Trace = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000_000, help="Write at most this many.")] = 1_000_000,
) -> None:
    """Write a log as CSV, the newest first, safe to open in a spreadsheet.

    Example: groundwork audit export --since 7d --to week.csv
    """
    from app.domains.audit import commands

    given = {"method": method, "route": route, "path": path, "code": code, "address": address}
    filters = commands.filters(log, since=since, user=user, status=status, trace_id=trace_id, **given)
    commands.export(log, filters=filters, limit=limit, to=to)
