"""A demonstration: a day of work that never was, so that each page of the console has something to show.

Example: groundwork demonstration fill
"""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

app = typer.Typer(help=__doc__)

SEEDS = 10_000


@app.callback()
def _whole() -> None:
    """With one command only, Typer would take it for the whole."""


@app.command()
def fill(
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=SEEDS - 1, help="The same makes the same day.", show_default=False),
    ] = None,
) -> None:
    """Write a day of work into a ledger that has seen none.

    Example: groundwork demonstration fill --seed 7
    """
    from app.db.sessions import transaction
    from app.demonstration import filling

    chosen = secrets.randbelow(SEEDS) if seed is None else seed
    with transaction() as session:
        found = filling.fill(session, seed=chosen)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(found.items()))
    typer.echo(f"A day of work that never was: {counts}. The same again, in an empty ledger: --seed {chosen}")
