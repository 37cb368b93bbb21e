"""API tokens: create, list, revoke."""

from __future__ import annotations

import typer

app = typer.Typer()


@app.callback()
def tokens() -> None:
    """API tokens: create, list, revoke."""
