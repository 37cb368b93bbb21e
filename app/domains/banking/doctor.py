"""Checks of what banks tell."""

from __future__ import annotations

from sqlalchemy import func, select

from app.db.sessions import reading
from app.domains.banking.models import PlaidItem, SetAside
from app.health.doctor.finding import Finding

ABOUT = "banking"
#: So many banks are named; the API lists all.
MAX_NAMED = 5


def no_row_is_set_aside() -> Finding:
    """Whether banks told something that could not be kept."""
    rows = select(PlaidItem.household_id, PlaidItem.id, PlaidItem.institution, func.count(SetAside.id))
    rows = rows.join(SetAside, SetAside.item_id == PlaidItem.id).group_by(PlaidItem.id).order_by(PlaidItem.id)
    with reading() as session:
        found = session.execute(rows).all()
    if not found:
        return Finding.ok(ABOUT, "No row of a bank is set aside.")
    named = ", ".join(
        f"{count} of item {item} ({institution or 'no name'}, household {household})"
        for household, item, institution, count in found[:MAX_NAMED]
    )
    more = f" and of {len(found) - MAX_NAMED} other items" if len(found) > MAX_NAMED else ""
    return Finding.warning(
        ABOUT,
        f"Rows of banks are set aside, and missing from accounts and budgets: {named}{more}.",
        fix="See each with its reason: GET /api/v1/banking/households/ID/set-aside. It disappears when the "
        "bank corrects or removes the row; otherwise DELETE it there once you have dealt with it.",
    )


CHECKS = (no_row_is_set_aside,)
