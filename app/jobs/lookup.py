"""Finds a job by the beginning of its id, as people copy it from a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.errors import InvalidInput
from app.jobs.ledger.models import Job
from app.jobs.service import JobNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

MAX_CANDIDATES = 5


class AmbiguousId(InvalidInput):
    """Raised when several jobs' ids begin as asked."""

    code = "ambiguous_id"

    def __init__(self, *, prefix: str, candidates: Sequence[str]) -> None:
        some = ", ".join(candidates[:MAX_CANDIDATES])
        more = ", and more" if len(candidates) > MAX_CANDIDATES else ""
        super().__init__(f'Several jobs begin with "{prefix}": {some}{more}. Give more of the id.')


def find_id(session: Session, *, prefix: str) -> str:
    """The id that is `prefix` or is the only one to begin with it. Raises `JobNotFound` or `AmbiguousId`."""
    if session.get(Job, prefix) is not None:
        return prefix
    # The bounds let the index serve, whatever the database's language sorts; no id has a z.
    begins = (Job.id >= prefix) & (Job.id <= f"{prefix}zz") & Job.id.startswith(prefix, autoescape=True)
    found = session.scalars(select(Job.id).where(begins).order_by(Job.id).limit(MAX_CANDIDATES + 1)).all()
    if not prefix or not found:
        raise JobNotFound(job_id=prefix)
    if len(found) > 1:
        raise AmbiguousId(prefix=prefix, candidates=found)
    return found[0]
