"""All that the page of a job shows, each part from a question of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.console.jobs.again import made_of
from app.console.jobs.family import family_of
from app.console.jobs.rights import Rights, rights_of
from app.console.jobs.telling import far_of, log_of
from app.console.places import JOBS
from app.console.questions import answer, looking
from app.domains.audit import search
from app.domains.audit.models import Operation
from app.domains.audit.schemas import OperationFilter
from app.jobs.service import detail_of, find_job
from app.jobs.web import permissions
from app.outbound.deliveries.listing import of_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.console.jobs.family import Family
    from app.console.jobs.telling import Far, Log
    from app.jobs.views import AttemptView, JobDetail
    from app.outbound.deliveries.models import Delivery
    from app.tokens.callers import Caller

#: Of each list so many.
MAX_SHOWN = 20
#: Of a document or a traceback so many characters; a file has the rest.
MAX_CHARACTERS = 4_000


@dataclass(frozen=True, kw_only=True)
class Document:
    """A value as text, and whether its end was left out."""

    text: str
    is_cut: bool


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A job as somebody may see it; what is None was cut off."""

    job: JobDetail
    rights: Rights
    arguments: Document
    result: Document
    progress: Document
    far: Far | None
    #: The last ones, the newest first, and how many there were before them.
    attempts: Sequence[AttemptView]
    earlier: int
    log: Log | None
    family: Family | None
    deliveries: Sequence[Delivery] | None
    acts: Sequence[Operation] | None
    #: The jobs that were made of it by editing.
    made: Sequence[str] | None


def look_at(job_id: str, *, caller: Caller) -> Whole:
    """The job with that id. Raises `JobNotFound` and `CutOff`."""
    with looking() as session:
        # First, so that a job which moves on meanwhile is not acted on by what was seen before.
        rights = rights_of(find_job(session, job_id=job_id), caller=caller)
        detail = permissions.shown_whole(detail_of(session, job_id=job_id), caller=caller)
    return Whole(
        job=detail,
        rights=rights,
        arguments=_document(detail.arguments),
        result=_document(detail.result),
        progress=_document(detail.progress),
        far=far_of(detail.progress),
        attempts=detail.attempts[: -MAX_SHOWN - 1 : -1],
        earlier=max(len(detail.attempts) - MAX_SHOWN, 0),
        log=answer(lambda session: log_of(session, detail)),
        family=answer(lambda session: family_of(session, find_job(session, job_id=job_id))),
        deliveries=answer(lambda session: of_job(session, job_id=job_id, limit=MAX_SHOWN)),
        made=answer(lambda session: made_of(session, job_id=job_id)),
        acts=answer(lambda session: _acts(session, job_id, caller=caller)),
    )


def detail(job_id: str, *, caller: Caller) -> JobDetail:
    """What the ledger has of a job. Raises `JobNotFound` and `CutOff`."""
    with looking() as session:
        found = detail_of(session, job_id=job_id, asks_broker=False)
    return permissions.shown_whole(found, caller=caller)


def written(value: Any) -> str:
    """A value as JSON that people read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _document(value: Any) -> Document:
    text = written(value)
    return Document(text=text[:MAX_CHARACTERS], is_cut=len(text) > MAX_CHARACTERS)


def _acts(session: Session, job_id: str, *, caller: Caller) -> Sequence[Operation]:
    """What was done to it by people, as far as `caller` reads the log."""
    found: list[Operation] = []
    for path in (f"{JOBS}/{job_id}", f"/api/v1/jobs/{job_id}"):
        rows = search.page(
            session,
            Operation,
            filters=OperationFilter.model_construct(path=path),
            only_user=caller.only_user,
            limit=MAX_SHOWN,
        ).rows
        found += [row for row in rows if row.path == path or row.path.startswith(f"{path}/")]
    return sorted(found, key=lambda row: row.id, reverse=True)[:MAX_SHOWN]
