"""Lines, taxes and shares of an invoice as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import delete, insert, inspect, select

from app.domains.billing.invoices.models import InvoiceDocument, InvoiceLine, InvoiceTax, LineEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.db.columns import Base
    from app.domains.billing.charging.invoices import Invoice as Charged
    from app.domains.billing.charging.invoices import Line, TaxTotal

#: Rows in one statement.
CHUNK = 5_000
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """All that is below an invoice, without its id."""

    lines: Sequence[Row]
    taxes: Sequence[Row]
    shares: Sequence[Row]

    @classmethod
    def of(cls, charged: Charged) -> Self:
        """Those of what was charged."""
        return cls(
            lines=[_line(line, position) for position, line in enumerate(charged.lines, 1)],
            taxes=[_tax(total, position) for position, total in enumerate(charged.taxes, 1)],
            shares=[
                {"position": position, "entry_id": share.entry_id, "seconds": share.seconds}
                for position, line in enumerate(charged.lines, 1)
                for share in sorted(line.shares)
            ],
        )

    @classmethod
    def stored(cls, session: Session, *, invoice_id: int) -> Self:
        """Those of an invoice."""
        return cls(
            lines=_stored(session, InvoiceLine, invoice_id=invoice_id),
            taxes=_stored(session, InvoiceTax, invoice_id=invoice_id),
            shares=_stored(session, LineEntry, invoice_id=invoice_id),
        )

    def store(self, session: Session, *, invoice_id: int) -> None:
        """Write them for an invoice that has none."""
        for table, rows in ((InvoiceLine, self.lines), (InvoiceTax, self.taxes), (LineEntry, self.shares)):
            for start in range(0, len(rows), CHUNK):
                part = [row | {"invoice_id": invoice_id} for row in rows[start : start + CHUNK]]
                session.execute(insert(table), part)


def clear(session: Session, *, invoice_id: int) -> None:
    """Delete all that is below a draft, its PDF included."""
    for table in (LineEntry, InvoiceTax, InvoiceLine, InvoiceDocument):
        statement = delete(table).where(table.invoice_id == invoice_id)
        session.execute(statement.execution_options(synchronize_session=False))


def _line(line: Line, position: int) -> Row:
    return {
        "position": position,
        "kind": line.kind.value,
        "rule_id": line.rule_id,
        "rule": dict(line.snapshot),
        "seconds": line.seconds,
        "rate": None if line.rate is None else f"{line.rate:f}",
        "net": line.net,
        "tax_category": line.tax.category.value,
        "tax_percent": line.tax.percent,
        "tax_reason": line.tax.reason,
    }


def _tax(total: TaxTotal, position: int) -> Row:
    return {
        "position": position,
        "category": total.category.value,
        "percent": total.percent,
        "reason": total.reason,
        "net": total.net,
        "tax": total.tax,
    }


def _stored(session: Session, table: type[Base], *, invoice_id: int) -> list[Row]:
    mapper = inspect(table)
    columns = [column for column in mapper.columns if column.name != "invoice_id"]
    rows = select(*columns).where(mapper.columns.invoice_id == invoice_id).order_by(*mapper.primary_key)
    return [dict(row) for row in session.execute(rows).mappings()]
