"""What the ledger holds about people: jobs whose arguments name one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import Text, cast, or_, select

from app.jobs.ledger.models import TERMINAL, Attempt, Job, JobSearchKey, State
from app.jobs.logged.models import JobLog
from app.jobs.service import cancel_job
from app.personal_data.declaration import ERASE_TASK, Declaration, Delete, PersonalTable, Stage, Subject

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

OTHERS = "It may be sealed, or about other people as well; what the job did stands in the other tables."
WITHHELD = ("args", "kwargs", "options", "context", "result", "progress", "error", "key")
REASON = "The data of whom it is about is erased."


def naming(who: Subject) -> ColumnElement[bool]:
    """Jobs whose arguments name the person, by the id or by the address, as the ledger writes JSON.

    An address may stand anywhere in them. What finds that without reading the whole table is an index of
    trigrams, which every job that is accepted would pay for, and somebody is erased now and then.
    """
    address = json.dumps(who.email)[1:-1]
    texts = (f'"user_id": {who.user_id},', f'"user_id": {who.user_id}}}', address)
    found = [
        cast(column, Text).contains(text, autoescape=True)
        for column in (Job.kwargs, Job.args)
        for text in texts
    ]
    return (Job.task != ERASE_TASK) & or_(*found)


def _attempts(who: Subject) -> ColumnElement[bool]:
    return Attempt.job_id.in_(select(Job.id).where(naming(who)))


def _search_keys(who: Subject) -> ColumnElement[bool]:
    return JobSearchKey.job_id.in_(select(Job.id).where(naming(who)))


def _logs(who: Subject) -> ColumnElement[bool]:
    """Lines of such jobs, and those of any that name the address; others written at once go with them."""
    address = json.dumps(who.email)[1:-1]
    names_it = cast(JobLog.lines, Text).contains(address, autoescape=True)
    return JobLog.job_id.in_(select(Job.id).where(naming(who))) | names_it


def _sever(session: Session, subject: Subject) -> None:
    """Cancel what waits to be done for the person."""
    waiting = select(Job.id).where(naming(subject), Job.state.in_((State.SCHEDULED, State.READY)))
    for job_id in session.scalars(waiting).all():
        cancel_job(session, job_id=job_id, reason=REASON)


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=Job,
            rows=naming,
            erasure=Delete(),
            withheld=dict.fromkeys(WITHHELD, OTHERS) | {"digest": "It is a hash."},
            in_use=lambda _who: Job.state.not_in(TERMINAL),
            stage=Stage.ROOTS,
        ),
        PersonalTable(
            model=Attempt,
            rows=_attempts,
            erasure=Delete(),
            withheld=dict.fromkeys(("error", "traceback"), OTHERS),
        ),
        PersonalTable(
            model=JobSearchKey,
            rows=_search_keys,
            erasure=Delete(),
            withheld={"value": "It is a hash."},
        ),
        PersonalTable(
            model=JobLog,
            rows=_logs,
            erasure=Delete(),
            withheld={"lines": OTHERS},
        ),
    ),
    sever=_sever,
)
