"""What is charged: lines, the totals of an invoice, and what goes on to the next period."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from app.domains.billing.charging.carrying import Unused
    from app.domains.billing.charging.hours import Kind
    from app.domains.billing.charging.taxes import Tax, TaxCategory


class Share(NamedTuple):
    """How much of an entry a line has."""

    entry_id: int
    seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of an invoice; amounts in minor units of `currency`.

    `rate` is that of an hour, the multiplier of overtime included; a fee has none.
    """

    kind: Kind
    rule_id: int
    #: The rule as it was, for JSON.
    snapshot: Mapping[str, Any]
    currency: str
    shares: tuple[Share, ...]
    rate: Decimal | None
    net: int
    tax: Tax

    @property
    def seconds(self) -> int:
        """The time in it."""
        return sum(share.seconds for share in self.shares)

    @property
    def entry_ids(self) -> tuple[int, ...]:
        """The entries in it, in whole or in part."""
        return tuple(share.entry_id for share in self.shares)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxTotal:
    """The tax of one category and rate: `tax` on `net`."""

    category: TaxCategory
    percent: Decimal
    reason: str | None
    net: int
    tax: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoice:
    """All lines of one currency and their totals, in its minor units."""

    currency: str
    lines: tuple[Line, ...]
    taxes: tuple[TaxTotal, ...]
    net: int
    tax: int
    gross: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Charges:
    """A client's period: an invoice per currency, and by retainer what is good in later periods."""

    invoices: tuple[Invoice, ...]
    unused: Mapping[int, tuple[Unused, ...]] = field(default_factory=dict)
