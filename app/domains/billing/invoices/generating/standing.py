"""Who sold and who bought, as they were when an invoice was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.domains.billing.models import Client, Tenant


def seller_of(tenant: Tenant) -> dict[str, Any]:
    """The tenant, for an invoice to keep."""
    return {
        name: getattr(tenant, name)
        for name in ("name", "address", "country", "email", "tax_number", "iban", "layout")
    }


def buyer_of(client: Client) -> dict[str, Any]:
    """The client, for an invoice to keep."""
    return {name: getattr(client, name) for name in ("name", "address", "country", "email", "tax_number")}
