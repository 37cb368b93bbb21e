"""What billing tells other domains: how what is sold is taxed and added up, and what documents are set in."""

from __future__ import annotations

from app.domains.billing.charging.bounds import MAX_PERCENT, PERCENT_PLACES
from app.domains.billing.charging.taxes import Tax, TaxCategory
from app.domains.billing.charging.totals import Taxed, Totals, totals_of
from app.domains.billing.documents.fonts import FAMILIES, FOLDER, visible

__all__ = [
    "FAMILIES",
    "FOLDER",
    "MAX_PERCENT",
    "PERCENT_PLACES",
    "Tax",
    "TaxCategory",
    "Taxed",
    "Totals",
    "totals_of",
    "visible",
]
