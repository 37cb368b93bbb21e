"""What a report says, as facts. Amounts are whole minor units; those of two currencies are never added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from app.domains.marketplace.reports.periods import Period


@dataclass(frozen=True, kw_only=True, slots=True)
class Sales:
    """What was paid in one currency, and what went back of whatever was paid before."""

    orders: int = 0
    net: int = 0
    tax: int = 0
    gross: int = 0
    refunds: int = 0
    refunded: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How often something happened."""

    new_users: int
    models_uploaded: int
    models_published: int
    versions_published: int
    licences: int
    views: int
    downloads: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSales:
    """What was sold of a model in one currency; without an id, of the `models` that are not named."""

    currency: str
    model_id: int | None
    title: str
    models: int
    licences: int
    net: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelUse:
    """How often a model was looked at; without an id, the `models` that are not named."""

    model_id: int | None
    title: str
    models: int
    views: int
    downloads: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """All that a report says of a period and of the one before."""

    period: Period
    counts: Counts
    counts_before: Counts
    #: By currency, each in both.
    sales: Mapping[str, Sales]
    sales_before: Mapping[str, Sales]
    #: Net by currency and day, for days on which something was sold.
    days: Mapping[str, Mapping[date, int]]
    #: Those that sold best, by currency, and the rest of each.
    sold: tuple[ModelSales, ...]
    #: Those that were downloaded and viewed most, and the rest.
    used: tuple[ModelUse, ...]

    @property
    def currencies(self) -> list[str]:
        """Those of the period or the one before, the one with the most orders first."""
        return sorted(
            self.sales, key=lambda one: (-self.sales[one].orders, -self.sales_before[one].orders, one)
        )
