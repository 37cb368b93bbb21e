"""Checks: what the health check, which runs every five minutes, found last.

Example: groundwork checks list
"""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal import AsJson, print_rows

app = typer.Typer(help=__doc__)

COLUMNS = ("kind", "state", "value", "sentence", "host", "checked_at")


@app.callback()
def _whole() -> None:
    """With one command only, Typer would take it for the whole."""


@app.command(name="list")
def list_checks(
    kind: Annotated[str | None, typer.Option(help="Only of this kind.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most this many.")] = 22,
    as_json: AsJson = False,
) -> None:
    """List what was found, the newest first.

    Example: groundwork checks list --kind disk
    """
    from app.db.sessions import reading
    from app.health.checks import service

    with reading() as session:
        found = service.newest(session, kind=kind, before=None, limit=limit).rows
        rows = [{name: getattr(row, name) for name in (*COLUMNS, "milliseconds")} for row in found]
    print_rows(rows, columns=COLUMNS, as_json=as_json, empty="No health check has run yet.")
