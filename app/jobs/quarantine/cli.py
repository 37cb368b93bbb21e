"""Quarantine: what workers took from a queue and found to be no message.

Example: groundwork quarantine list
"""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal import AsJson, print_rows

app = typer.Typer(help=__doc__)

Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")]


@app.command(name="list")
def list_some(limit: Limit = 20, as_json: AsJson = False) -> None:
    """Show when and where it was found, what is wrong with it, and how it begins.

    Example: groundwork quarantine list --limit 5 --json
    """
    from app.jobs.publish import publisher
    from app.jobs.quarantine import quarantine

    print_rows(
        quarantine.entries(publisher.client(), limit=limit),
        columns=("at", "queue", "size", "problem", "head"),
        as_json=as_json,
        empty="Nothing was put aside.",
    )


@app.command()
def clear() -> None:
    """Forget what is kept. The count in the metrics goes on.

    Example: groundwork quarantine clear
    """
    from app.jobs.publish import publisher
    from app.jobs.quarantine import quarantine

    typer.echo(f"Forgot {quarantine.clear(publisher.client())}.")
