"""Whatever is charged, what is stored of it adds up."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from app.db.sessions import reading
from app.domains.billing.charging.rules import Fixed, Retainer
from app.domains.billing.invoices.generating.rows import Rows
from app.domains.billing.invoices.models import Invoice, LineEntry
from tests.domains.billing.charging.months import PROJECTS, months
from tests.domains.billing.invoices.office import MADE, found_office, run

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.domains.billing.charging.rules import Rule
    from tests.domains.billing.charging.months import Month
    from tests.domains.billing.invoices.office import Customer


@pytest.mark.databases("sqlite")
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(month=months())
def test_what_is_stored_adds_up(database: Engine, month: Month) -> None:
    client = found_office().client(timezone=month.zone)
    rounded = store(client, month)
    assert run(str(month.period), now=MADE.replace(year=month.period.year + 1))["failed"] == 0
    billed: Counter[int] = Counter()
    with reading() as session:
        for invoice in session.scalars(select(Invoice).where(Invoice.client_id == client.id)):
            rows = Rows.stored(session, invoice_id=invoice.id)
            assert sum(line["net"] for line in rows.lines) == invoice.net
            assert sum(total["net"] for total in rows.taxes) == invoice.net
            assert sum(total["tax"] for total in rows.taxes) == invoice.tax
            assert invoice.net + invoice.tax == invoice.gross
            for line in rows.lines:
                shares = [one for one in rows.shares if one["position"] == line["position"]]
                assert sum(share["seconds"] for share in shares) == line["seconds"]
        for share in session.scalars(select(LineEntry).where(LineEntry.entry_id.in_(rounded))):
            billed[share.entry_id] += share.seconds
    assert dict(billed) == rounded


def store(client: Customer, month: Month) -> dict[int, int]:
    """Make rows of a month; the rounded seconds of its entries by their ids."""
    projects = {number: client.open_project(f"Project {number}") for number in PROJECTS}
    for rule in month.rules:
        client.rule(**columns(rule), project_id=projects[rule.project_id or 0])
    return {
        client.worked(
            start=entry.start,
            hours=0,
            ended_at=entry.end,
            project=projects[entry.project_id],
            timezone=entry.timezone,
        ): month.rule_of(entry).rounding.seconds(entry.length)
        for entry in month.entries
    }


def columns(rule: Rule) -> dict[str, Any]:
    """A rule as a row has it."""
    common = {
        "kind": type(rule).__name__.lower(),
        "currency": rule.currency,
        "tax_category": rule.tax.category,
        "tax_percent": rule.tax.percent,
        "tax_reason": rule.tax.reason,
        "rounding_minutes": rule.rounding.minutes,
        "rounding_direction": rule.rounding.direction,
        "effective_from": rule.effective_from,
        "effective_to": rule.effective_to,
    }
    if isinstance(rule, Fixed):
        return common | {"rate": None, "fee": rule.fee}
    if isinstance(rule, Retainer):
        names = ("fee", "included_hours", "carry_periods")
        common |= {name: getattr(rule, name) for name in names}
    if rule.overtime is not None:
        common["overtime_threshold_hours"] = rule.overtime.threshold_hours
        common["overtime_multiplier"] = rule.overtime.multiplier
    return common | {"rate": rule.rate, "cap_hours": rule.cap_hours}
