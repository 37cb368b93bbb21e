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
    sent: Annotated[bool, typer.Option("--sent/--not-sent", help="Whether it was sent.", show_default=False)],
) -> None:
    """Settle an uncertain delivery: it was sent, or it is sent again.

    Example: groundwork deliveries settle 12 --not-sent
    """
    from app.db.sessions import transaction
    from app.outbound.deliveries.service import settle as settle_delivery

    with transaction() as session:
        settle_delivery(session, delivery_id=delivery_id, was_sent=sent)
    typer.echo(
        f"Delivery {delivery_id} counts as sent." if sent else f"Delivery {delivery_id} is sent again."
    )
