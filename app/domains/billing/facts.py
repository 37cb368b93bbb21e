"""What billing tells other domains: how what is sold is taxed and added up."""

from __future__ import annotations

from app.domains.billing.charging.bounds import MAX_PERCENT, PERCENT_PLACES
from app.domains.billing.charging.taxes import Tax, TaxCategory
from app.domains.billing.charging.totals import Taxed, Totals, totals_of

__all__ = [
    "MAX_PERCENT",
    "PERCENT_PLACES",
    "Tax",
    "TaxCategory",
    "Taxed",
    "Totals",
    "totals_of",
]
