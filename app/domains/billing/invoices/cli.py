"""Invoices: have a month made, list them, look at one as PDF, send, take payments, credit, cancel.

Example: groundwork invoices generate --period 2026-03
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.domains.billing.invoices.models import InvoiceState
from app.terminal import AsJson, print_json, print_rows
from app.values.row_ids import MAX_BIGINT

app = typer.Typer(help=__doc__)

InvoiceId = Annotated[int, typer.Argument(min=1, max=MAX_BIGINT, help="The invoice's id.")]
Period = Annotated[
    str | None,
    typer.Option(metavar="YYYY-MM", help="A month; else the last that is over.", show_default=False),
]
Tenant = Annotated[
    int | None, typer.Option(min=1, max=MAX_BIGINT, help="Id of a tenant; else all.", show_default=False)
]
State = Annotated[InvoiceState | None, typer.Option(help="Only in this state.", show_default=False)]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When; else today.", show_default=False)
]
COLUMNS = ("id", "number", "kind", "state", "period", "client_id", "gross", "due", "currency", "due_on")


@app.command()
def generate(period: Period = None, tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Have a worker make the invoices of a month as drafts.

    Example: groundwork invoices generate --period 2026-03
    """
    from app.db.sessions import transaction
    from app.domains.billing.invoices.generating.generation import request
    from app.settings.business_clock import business_now

    with transaction() as session:
        job_id = request(session, period=period, tenant_id=tenant, now=business_now())
    _queued(job_id, as_json=as_json)


@app.command(name="list")
def list_invoices(
    tenant: Tenant = None,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List invoices and credit notes, the last made first.

    Example: groundwork invoices list --state overdue
    """
    from app.db.sessions import reading
    from app.domains.billing.invoices.listing import Wanted, page
    from app.domains.billing.invoices.schemas import InvoiceView

    with reading() as session:
        found = page(session, Wanted(tenant_id=tenant, state=state), limit=limit)
        rows = [InvoiceView.of(invoice).model_dump(mode="json") for invoice in found.rows]
    print_rows(rows, columns=COLUMNS, as_json=as_json, empty="There is no such invoice.")


@app.command()
def pdf(invoice_id: InvoiceId, output: Output) -> None:
    """Write the PDF of an invoice: as it was sent, or a draft as it is now.

    Example: groundwork invoices pdf 12 -o invoice.pdf
    """
    from app.db.sessions import reading
    from app.domains.billing.invoices.finding import invoice_of
    from app.domains.billing.invoices.sending.printed import pdf_now

    with reading() as session:
        printed = pdf_now(session, invoice_of(session, invoice_id=invoice_id))
    output.write_bytes(printed.content)
    typer.echo(f"{output} is written; its SHA-256 is {printed.sha256}.")


@app.command()
def send(invoice_id: InvoiceId, as_json: AsJson = False) -> None:
    """Have a worker mail a draft, which is marked as sent when its mail went out.

    Example: groundwork invoices send 12
    """
    from app.db.sessions import transaction
    from app.domains.billing.invoices.sending.mailing import request

    with transaction() as session:
        job_id = request(session, invoice_id=invoice_id)
    _queued(job_id, as_json=as_json)


@app.command()
def paid(invoice_id: InvoiceId, on: Day = None) -> None:
    """Note that all that was due of an invoice came.

    Example: groundwork invoices paid 12 --on 2026-04-02
    """
    from app.db.sessions import transaction
    from app.domains.billing.invoices.payments import pay_rest
    from app.settings.business_clock import business_now

    with transaction() as session:
        day = None if on is None else on.date()
        invoice = pay_rest(session, invoice_id=invoice_id, received_on=day, now=business_now())
    typer.echo(f"Invoice {invoice.number} is {invoice.state}.")


@app.command()
def credit(invoice_id: InvoiceId) -> None:
    """Credit an invoice that was sent, so that its time can be charged again.

    Example: groundwork invoices credit 12
    """
    from app.db.sessions import transaction
    from app.domains.billing.invoices.taking_back import credit as take_back
    from app.settings.business_clock import business_now

    with transaction() as session:
        note = take_back(session, invoice_id=invoice_id, now=business_now())
    typer.echo(f"Credit note {note.number} (id {note.id}) is a draft; it is mailed with the next invoices.")


@app.command()
def cancel(invoice_id: InvoiceId) -> None:
    """Cancel a draft, which keeps its number, so that its time can be charged again.

    Example: groundwork invoices cancel 12
    """
    from app.db.sessions import transaction
    from app.domains.billing.invoices.taking_back import cancel as take_back
    from app.settings.business_clock import business_now

    with transaction() as session:
        invoice = take_back(session, invoice_id=invoice_id, now=business_now())
    typer.echo(f"Invoice {invoice.number} is {invoice.state}.")


def _queued(job_id: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"job_id": job_id})
    else:
        typer.echo(f"Job {job_id} does it; see: groundwork jobs show {job_id}")
