"""API tokens: create, lend, list, revoke.

Example: groundwork token create --name nightly --scope jobs:read
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal import AsJson, print_json, print_rows
from app.values.durations import duration

if TYPE_CHECKING:
    from app.tokens.models import Token

app = typer.Typer(help=__doc__)

#: A lender that is killed cannot revoke.
MAX_LOAN = timedelta(minutes=15)

Lifetime = Annotated[
    timedelta | None,
    typer.Option(
        parser=duration, metavar="SPAN", help="How long it is valid, such as 90d.", show_default=False
    ),
]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What the token is called in logs.")],
    scope: Annotated[list[str], typer.Option(help="A scope of the token; may be repeated. * is everything.")],
    expires: Lifetime = None,
    as_json: AsJson = False,
) -> None:
    """Create a token and print its secret, which is never shown again.

    Example: groundwork token create --name nightly --scope jobs:read --expires 90d
    """
    from app.db.sessions import transaction
    from app.tokens.service import create_token

    with transaction() as session:
        made = create_token(session, name=name, scopes=scope, expires_in=expires)
    if as_json:
        print_json(asdict(made))
        return
    typer.echo(made.secret)
    typer.echo("Keep it now; it is not shown again. Send it as: Authorization: Bearer <token>", err=True)


@app.command()
def lend(
    name: Annotated[str, typer.Option(help="What the token is called in logs.")],
    scope: Annotated[list[str], typer.Option(help="A scope of the token; may be repeated. * is everything.")],
) -> None:
    """Create a token that is revoked when this command ends, which it does with its standard input.

    Example: groundwork token lend --name trial --scope jobs:read
    """
    from app.db.sessions import transaction
    from app.tokens.service import create_token, revoke_token

    with transaction() as session:
        lent = create_token(session, name=name, scopes=scope, expires_in=MAX_LOAN)
    try:
        typer.echo(lent.secret)
        sys.stdin.read()
    finally:
        with transaction() as session:
            revoke_token(session, name_or_id=lent.id)


@app.command(name="list")
def list_all(as_json: AsJson = False) -> None:
    """List the tokens, the newest first.

    Example: groundwork token list
    """
    from app.db.sessions import reading
    from app.tokens.service import list_tokens

    with reading() as session:
        rows = [_as_row(token) for token in list_tokens(session)]
    print_rows(
        rows,
        columns=("id", "name", "state", "scopes", "created_at", "expires_at", "last_used_at"),
        as_json=as_json,
        empty="There is no token yet. Create one with: groundwork token create",
    )


@app.command()
def revoke(name_or_id: Annotated[str, typer.Argument(help="The token's name or id.")]) -> None:
    """Revoke a token for good.

    Example: groundwork token revoke nightly
    """
    from app.db.sessions import transaction
    from app.tokens.service import revoke_token

    with transaction() as session:
        token = revoke_token(session, name_or_id=name_or_id)
    typer.echo(f'The token "{token.name}" ({token.id}) is revoked.')


def _as_row(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "state": _state_of(token),
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def _state_of(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
        return "expired"
    return "live"
