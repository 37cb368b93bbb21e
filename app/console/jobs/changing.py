"""Changes jobs for somebody at a page: once for each form, with an audit row in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.console.acts import note
from app.console.jobs.errors import MovedOn
from app.console.jobs.rights import version_of
from app.console.places import JOBS
from app.db.sessions import transaction
from app.errors import Conflict, NotFound
from app.jobs import service
from app.jobs.celery.control import ask_to_stop
from app.jobs.ledger.models import Job
from app.jobs.web import permissions
from app.tokens.callers import MissingScope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from app.tokens.callers import Caller


class Act(StrEnum):
    """What can be done to a job by a button, as its address ends."""

    RETRY = "retry"
    CANCEL = "cancel"


_TITLES = {Act.RETRY: "Run a job again", Act.CANCEL: "Cancel a job"}


def change(job_id: str, act: Act, *, version: str, caller: Caller, reason: str | None = None) -> bool:
    """Retry or cancel a job that is still as it was in `version`; True where its worker is to be told.

    Raises `MissingScope`, `JobNotFound`, `MovedOn` and `JobStateConflict`, and has then done nothing.
    """
    with transaction() as session:
        job = locked(session, job_id)
        permissions.require_tasks({job.task}, caller=caller)
        if version_of(job) != version:
            raise MovedOn(job_id=job.id, state=job.state)
        before = job.state
        stops = _done(session, job, act, caller=caller, reason=reason)
        after = service.find_job(session, job_id=job_id).state
        arguments = {"before": before, "after": after} | ({"reason": reason} if reason else {})
        note(session, caller, title=_TITLES[act], path=f"{JOBS}/{job_id}/{act}", **arguments)
        return stops


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What became of one of several jobs; without a problem, it was done."""

    id: str
    problem: str | None = None
    stops: bool = False


def change_each(versions: Mapping[str, str], act: Act, *, reason: str, caller: Caller) -> list[Changed]:
    """Retry or cancel several jobs, each by itself, so that one which has moved on leaves the others."""
    found = []
    for job_id, version in versions.items():
        try:
            stops = change(job_id, act, version=version, caller=caller, reason=reason)
            found.append(Changed(id=job_id, stops=stops))
        except (Conflict, NotFound, MissingScope) as error:
            found.append(Changed(id=job_id, problem=str(error)))
    return found


def stop(job_id: str) -> None:
    """Have the worker of a job that was cancelled end it; without an answer it does not keep what it did."""
    ask_to_stop(job_id)


def locked(session: Session, job_id: str) -> Job:
    """The job, which nobody else changes until the transaction ends. Raises `JobNotFound`."""
    job = session.get(Job, job_id, populate_existing=True, with_for_update={"key_share": True})
    if job is None:
        raise service.JobNotFound(job_id=job_id)
    return job


def _done(session: Session, job: Job, act: Act, *, caller: Caller, reason: str | None) -> bool:
    if act is Act.RETRY:
        service.retry_job(session, job_id=job.id)
        return False
    said = f"Cancelled by {caller.name}" + (f": {reason}" if reason else "")
    return service.cancel_job(session, job_id=job.id, reason=said)
