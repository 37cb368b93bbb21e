"""What somebody bought and paid, as billing needs to know it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from app.domains.billing.charging.taxes import Tax, TaxCategory

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class SoldLine:
    """What was sold, and what it cost in minor units."""

    description: str
    detail: str
    net: int
    tax: Tax

    @classmethod
    def stored(cls, row: dict[str, Any], *, sign: int = 1) -> Self:
        """As `row` has it; -1 as `sign` gives it back."""
        tax = Tax(
            category=TaxCategory(row["category"]), percent=Decimal(row["percent"]), reason=row["reason"]
        )
        return cls(description=row["description"], detail=row["detail"], net=sign * row["net"], tax=tax)

    @property
    def row(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "description": self.description,
            "detail": self.detail,
            "net": self.net,
            "category": self.tax.category.value,
            "percent": str(self.tax.percent),
            "reason": self.tax.reason,
        }


@dataclass(frozen=True, kw_only=True)
class Sale:
    """What a tenant sold to a user, who paid all of it."""

    #: Names the sale for good, such as order:17: it has one invoice.
    key: str
    tenant_id: int
    user_id: int
    #: What the buyer calls it.
    reference: str
    currency: str
    lines: tuple[SoldLine, ...]
    sold_at: datetime
