"""What billing tells other domains: how what is sold is taxed and added up."""

from __future__ import annotations

from app.domains.billing.charging.bounds import MAX_PERCENT, PERCENT_PLACES
from app.domains.billing.charging.taxes import Tax, TaxCategory
from app.domains.billing.charging.totals import Taxed, Totals, totals_of
from app.domains.billing.sales.facts import Sale, SoldLine

__all__ = [
    "MAX_PERCENT",
    "PERCENT_PLACES",
    "Sale",
    "SoldLine",
    "Tax",
    "TaxCategory",
    "Taxed",
    "Totals",
    "totals_of",
]
