"""Mail: send a mail, and suppress addresses.

Example: groundwork mail send --to ann@example.org --subject "A test"
"""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal import AsJson, print_json, print_rows
from app.values.text import one_line

app = typer.Typer(help=__doc__)


def line(text: str) -> str:
    """A text of one line. Raises a usage error with what is wrong."""
    try:
        return one_line(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.") from None


Address = Annotated[str, typer.Argument(help="The address, such as ann@example.org.", parser=line)]


@app.command()
def send(
    to: Annotated[list[str], typer.Option(help="Recipient; may be given several times.")],
    subject: Annotated[str, typer.Option(help="The subject.")],
    text: Annotated[str, typer.Option(help="The text.")] = "A mail from Groundwork.\n",
    as_json: AsJson = False,
) -> None:
    """Have a worker send a mail.

    Example: groundwork mail send --to ann@example.org --subject "A test"
    """
    from app.jobs.declaration.arguments import checked_arguments
    from app.jobs.declaration.registry import spec_of
    from app.outbound.mail.tasks import send_email

    given = {"to_addresses": to, "subject": subject, "body_text": text}
    job_id = send_email.apply_async(kwargs=checked_arguments(spec_of(send_email.name), given)).id
    if as_json:
        print_json({"id": job_id, "task": send_email.name})
    else:
        typer.echo(f"Accepted as job {job_id}. See it with: groundwork jobs show {job_id}")


@app.command()
def suppress(
    address: Address,
    reason: Annotated[str, typer.Option(help="The reason.", parser=line)] = "Suppressed by an operator.",
) -> None:
    """Send no mail to an address from now on.

    Example: groundwork mail suppress gone@example.org --reason "The mailbox does not exist."
    """
    from app.db.sessions import transaction
    from app.outbound.mail import suppression

    with transaction() as session:
        suppression.suppress(session, address=address, reason=reason)
    typer.echo(f"{address} gets no mail any more.")


@app.command()
def unsuppress(address: Address) -> None:
    """Let mail go to an address again.

    Example: groundwork mail unsuppress gone@example.org
    """
    from app.db.sessions import transaction
    from app.outbound.mail import suppression

    with transaction() as session:
        suppression.lift(session, address=address)
    typer.echo(f"{address} gets mail again.")


@app.command()
def suppressed(as_json: AsJson = False) -> None:
    """List the addresses that get no mail.

    Example: groundwork mail suppressed
    """
    from app.db.sessions import reading
    from app.outbound.mail import suppression

    with reading() as session:
        found = suppression.suppressed(session)
    rows = [{"address": one.address, "reason": one.reason, "since": one.created_at} for one in found]
    columns = ("address", "reason", "since")
    print_rows(rows, columns=columns, as_json=as_json, empty="No address is suppressed.")
