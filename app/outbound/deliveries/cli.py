"""Deliveries: the mails, push messages and calls that went out, and those that are uncertain.

Example: groundwork deliveries list --state uncertain
"""

from __future__ import annotations

from typing import Annotated

import typer

from app.outbound.deliveries.models import DeliveryState  # noqa: TC001 (Typer reads the annotations)
from app.terminal import AsJson, print_document, print_json, print_rows
from app.values.row_ids import MAX_BIGINT

app = typer.Typer(help=__doc__)

DeliveryId = Annotated[int, typer.Argument(min=1, max=MAX_BIGINT, help="The delivery's id.")]
COLUMNS = ("id", "channel", "recipient", "subject", "state", "changed_at", "error")


@app.command(name="list")
def list_deliveries(
    state: Annotated[DeliveryState | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first.

    Example: groundwork deliveries list --state failed
    """
    from app.db.sessions import reading
    from app.outbound.deliveries.listing import newest, shown

    with reading() as session:
        rows = [shown(one) for one in newest(session, state=state, limit=limit)]
    print_rows(rows, columns=COLUMNS, as_json=as_json, empty="No delivery matches.")


@app.command()
def show(delivery_id: DeliveryId, as_json: AsJson = False) -> None:
    """Show one delivery with what is sent.

    Example: groundwork deliveries show 12
    """
    from app.db.sessions import reading
    from app.jobs.ledger.seal import mask
    from app.outbound.deliveries.listing import shown
    from app.outbound.deliveries.service import find

    with reading() as session:
        delivery = find(session, delivery_id=delivery_id)
        document = shown(delivery) | {"content": mask(delivery.content)}
    if as_json:
        print_json(document)
    else:
        print_document(document)


@app.command()
def settle(
    delivery_id: DeliveryId,
    sent: Annotated[
        bool | None,
        typer.Option("--sent/--not-sent", help="Whether it was sent; if not, it is sent again."),
    ] = None,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="It is not sent again, whether it was sent or not.")
    ] = False,
) -> None:
    """Settle an uncertain delivery: it was sent, or it is sent again, or given up.

    Example: groundwork deliveries settle 12 --not-sent
    """
    from app.db.sessions import transaction
    from app.outbound.deliveries import settling

    if give_up == (sent is not None):
        raise typer.BadParameter("say one of --sent, --not-sent and --give-up", param_hint="--sent")
    how = settling.Settlement.GIVEN_UP
    if sent is not None:
        how = settling.Settlement.SENT if sent else settling.Settlement.AGAIN
    with transaction() as session:
        settling.settle(session, delivery_id=delivery_id, how=how)
    typer.echo(f"Delivery {delivery_id} {_SETTLED[how]}.")


_SETTLED = {"sent": "counts as sent", "again": "is sent again", "given_up": "is given up"}
