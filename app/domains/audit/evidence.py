"""What the operation log adds to the evidence about a job: what people did to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.audit import search
from app.domains.audit.models import Operation
from app.domains.audit.schemas import OperationFilter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.web.bundle import Subject

MOST = 100
#: Where jobs are, to be read and changed.
PLACES = ("/api/v1/jobs", "/console/jobs")
#: Not from where and with what: the evidence is about the job.
_SHOWN = ("at", "user_name", "method", "title", "path", "arguments", "status", "code")


def _acts(session: Session, subject: Subject) -> list[dict[str, Any]]:
    found: list[Operation] = []
    for place in PLACES:
        path = f"{place}/{subject.job.id}"
        filters = OperationFilter.model_construct(path=path)
        page = search.page(session, Operation, filters=filters, only_user=subject.only_user, limit=MOST)
        found += [row for row in page.rows if row.path == path or row.path.startswith(f"{path}/")]
    found.sort(key=lambda row: row.id)
    return [{name: getattr(row, name) for name in _SHOWN} for row in found]


SECTIONS = {"acts": _acts}
