"""What bulk acts hold about people: who did what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.bulk.models import BulkAct, BulkActJob
from app.personal_data.declaration import Declaration, Keep, PersonalTable

if TYPE_CHECKING:
    from sqlalchemy import Select

    from app.personal_data.declaration import Subject

KEPT = Keep(
    "What was done to many jobs, by whom and why, is kept as long as finished jobs are, to show that the "
    "service is run as it should be (GDPR, Articles 17(3)(e) and 32), and deleted then."
)


def _acts(who: Subject) -> Select[int]:
    return select(BulkAct.id).where(BulkAct.user_id == who.user_id)


DECLARATION = Declaration(
    tables=(
        PersonalTable(model=BulkAct, rows=lambda who: BulkAct.user_id == who.user_id, erasure=KEPT),
        PersonalTable(model=BulkActJob, rows=lambda who: BulkActJob.act_id.in_(_acts(who)), erasure=KEPT),
    )
)
