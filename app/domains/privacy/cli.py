"""Privacy: have what is held about a person exported or erased.

Example: groundwork privacy erase 7 --confirm ann@example.org
"""

from __future__ import annotations

from typing import Annotated

import typer

from app.domains.privacy.models import Format
from app.terminal import AsJson, print_json, print_rows

app = typer.Typer(help=__doc__)

UserId = Annotated[int, typer.Argument(min=1, help="Id of the user.")]
#: Whom records name as the one who asked.
OPERATOR = "command line"


@app.command()
def export(
    user_id: UserId,
    kind: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.JSON,
) -> None:
    """Have all that is held about a user exported; they get a link by mail, and the passphrase signed in.

    Example: groundwork privacy export 7 --format pdf
    """
    from app.db.sessions import transaction
    from app.domains.privacy.exporting import service

    with transaction() as session:
        made, job_id = service.request(session, user_id=user_id, kind=kind, requested_by=OPERATOR)
    typer.echo(f"Job {job_id} makes export {made.id} of user {user_id}, who then gets a mail.")


@app.command()
def erase(
    user_id: UserId,
    confirm: Annotated[str, typer.Option(help="The user's mail address.", show_default=False)],
) -> None:
    """Have all that is held about a user erased but what the law wants kept. It cannot be taken back.

    Example: groundwork privacy erase 7 --confirm ann@example.org
    """
    from app.db.sessions import transaction
    from app.domains.privacy import erasing

    with transaction() as session:
        job_id = erasing.request(session, user_id=user_id, requested_by=OPERATOR, confirmed_by=confirm)
    typer.echo(f"Job {job_id} erases user {user_id}. What stayed says: groundwork privacy report {user_id}")


@app.command()
def report(user_id: UserId, as_json: AsJson = False) -> None:
    """Show by table what was deleted, anonymised and kept of a user, and why it was kept.

    Example: groundwork privacy report 7
    """
    from app.db.sessions import reading
    from app.domains.privacy import erasing

    with reading() as session:
        found = erasing.erasure(session, user_id=user_id)
    done = found.report if found else {}
    if as_json:
        print_json({"user_id": user_id, "finished_at": found and found.finished_at, "report": done})
        return
    rows = [{"table": name, **handled} for name, handled in sorted(done.items())]
    columns = ("table", "deleted", "anonymised", "kept", "why")
    print_rows(
        [{column: row.get(column) for column in columns} for row in rows],
        columns=columns,
        as_json=False,
        empty="Nothing is erased yet: nobody has asked for it, or the job waits.",
    )
