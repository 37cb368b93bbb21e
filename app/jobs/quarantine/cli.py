"""Quarantine: what workers took from a queue and could not read as a message.

Example: groundwork quarantine list
"""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal import AsJson, print_rows

app = typer.Typer(help=__doc__)

Limit = Annotated[int, typer.Option(min=1, max=1000, help="Show at most this many, the newest first.")]


@app.command(name="list")
def list_some(limit: Limit = 20, as_json: AsJson = False) -> None:
    """List what is in quarantine: when and where it was found, what is wrong with it, and how it begins.

    Example: groundwork quarantine list --limit 5 --json
    """
    from app.jobs.quarantine import quarantine

    print_rows(
        quarantine.entries(limit=limit),
        columns=("id", "at", "queue", "size", "problem", "head"),
        as_json=as_json,
        empty="The quarantine is empty.",
    )


@app.command()
def discard(entry_id: Annotated[str, typer.Argument(metavar="ID", help="As the list has it.")]) -> None:
    """Forget one entry.

    Example: groundwork quarantine discard 9f86d081884c7d659a2feaa0c55ad015
    """
    from app.jobs.quarantine import quarantine

    if not quarantine.forget(entry_id):
        raise quarantine.NoSuchEntry(entry_id=entry_id)
    typer.echo("Forgot 1.")


@app.command()
def clear() -> None:
    """Empty the quarantine. The counter in the metrics keeps its value.

    Example: groundwork quarantine clear
    """
    from app.jobs.broker.current import broker

    typer.echo(f"Forgot {broker().clear_quarantine()}.")
