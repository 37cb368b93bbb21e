"""What the audit logs hold about people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.audit.models import Login, Operation
from app.personal_data.declaration import Declaration, Keep, PersonalTable

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from app.domains.audit.models import Seen
    from app.personal_data.declaration import Rows, Subject

KEPT = Keep(
    "The record of who did what is kept for GROUNDWORK_AUDIT_DAYS, to establish and defend legal claims and "
    "to show that the service is secure (GDPR, Articles 17(3)(e) and 32), and deleted then."
)


def _of(table: type[Seen]) -> Rows:
    def rows(who: Subject) -> ColumnElement[bool]:
        return (table.user_id == who.user_id) | (table.user_name == who.email)

    return rows


DECLARATION = Declaration(
    tables=(
        PersonalTable(model=Operation, rows=_of(Operation), erasure=KEPT),
        PersonalTable(model=Login, rows=_of(Login), erasure=KEPT),
    )
)
