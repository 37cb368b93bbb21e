"""Statistics: how much users do.

Example: groundwork stats show 1
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from app.terminal import AsJson, print_document, print_json
from app.values.row_ids import MAX_BIGINT

app = typer.Typer(help=__doc__)


@app.callback()
def _whole() -> None:
    """With one command only, Typer would take it for the whole."""


@app.command()
def show(
    user_id: Annotated[int, typer.Argument(min=1, max=MAX_BIGINT, help="The user's id.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="Of so many days.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show how much a user did in the last days.

    Example: groundwork stats show 1 --days 7
    """
    from app.db.sessions import reading
    from app.domains.stats import service

    with reading() as session:
        document = asdict(service.totals(session, user_id=user_id, days=days))
    if as_json:
        print_json(document)
    else:
        print_document(document)
