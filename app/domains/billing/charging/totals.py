"""Totals of an invoice by the rules of EN 16931, in minor units of its currency."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from app.domains.billing.charging.invoices import Invoice, TaxTotal
from app.domains.billing.charging.rounding import half_up, storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from app.domains.billing.charging.invoices import Line
    from app.domains.billing.charging.taxes import Tax, TaxCategory

_PERCENT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """What lines of one currency come to, in its minor units."""

    taxes: tuple[TaxTotal, ...]
    net: int
    tax: int
    gross: int


class Taxed(Protocol):
    """A line, as far as totals need to know it."""

    @property
    def net(self) -> int:
        """In minor units, without tax."""

    @property
    def tax(self) -> Tax:
        """The tax on it."""


def invoice_of(lines: Iterable[Line], *, currency: str) -> Invoice:
    """An invoice over lines of one currency, all of which is due. Raises `AmountTooLarge`."""
    lines = tuple(lines)
    totals = totals_of(lines, currency=currency)
    return Invoice(
        currency=currency,
        lines=lines,
        taxes=totals.taxes,
        net=totals.net,
        tax=totals.tax,
        gross=totals.gross,
    )


def totals_of(lines: Sequence[Taxed], *, currency: str) -> Totals:
    """The totals over lines of one currency.

    Net is the sum of the lines (BR-CO-10, BR-CO-13), tax the sum of the taxes by rate (BR-CO-14), gross the
    sum of both (BR-CO-15), and due as long as nothing is paid (BR-CO-16). Raises `AmountTooLarge`.
    """
    taxes = tuple(_tax_totals(lines, currency=currency))
    net = storable(sum(line.net for line in lines), currency)
    tax = storable(sum(total.tax for total in taxes), currency)
    return Totals(taxes=taxes, net=net, tax=tax, gross=storable(net + tax, currency))


def _tax_totals(lines: Sequence[Taxed], *, currency: str) -> Iterable[TaxTotal]:
    """One total per category and rate (BR-S-1, BR-S-8, BR-Z-1, BR-E-1), the highest rate first."""
    groups: defaultdict[tuple[TaxCategory, Decimal], list[Taxed]] = defaultdict(list)
    for line in lines:
        groups[line.tax.category, line.tax.percent].append(line)
    for (category, percent), group in sorted(groups.items(), key=lambda item: (-item[0][1], item[0][0])):
        net = storable(sum(line.net for line in group), currency)
        yield TaxTotal(
            category=category,
            percent=percent,
            reason=_reasons(group),
            net=net,
            tax=tax_on(net, percent=percent),
        )


def tax_on(net: int, *, percent: Decimal) -> int:
    """The tax on the sum of the lines of a rate, rounded once (BR-CO-17)."""
    return half_up(net * Fraction(percent) / _PERCENT)


def _reasons(lines: Iterable[Taxed]) -> str | None:
    """Why no tax is charged; several reasons stand beside each other, because there is one place for them."""
    return "; ".join(sorted({line.tax.reason for line in lines if line.tax.reason})) or None
