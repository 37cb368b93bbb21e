"""Erases what is held about a person, in batches: what was done stays done, whoever dies meanwhile.

Nothing here commits but `commit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from app.db.clock import now
from app.db.upsert import insert_or_update
from app.domains.accounts.service import lock_person, person
from app.domains.audit.service import note_operation
from app.domains.privacy.errors import (
    NobodyConfirmed,
    NotConfirmed,
    NotErasableYet,
    StillInUse,
)
from app.domains.privacy.models import Erasure
from app.jobs.celery.application import celery_app
from app.personal_data.declaration import ERASE_TASK, Anonymise, Stage, Subject
from app.personal_data.registry import declarations, erasable_tables
from app.personal_data.rows import erase_batch, is_left, kept
from app.values.email_addresses import key_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.personal_data.declaration import PersonalTable

log = structlog.get_logger(__name__)
#: By table, what was done with its rows.
Report = dict[str, dict[str, Any]]


def request(session: Session, *, user_id: int, requested_by: str, confirmed_by: str) -> str:
    """Have a person erased; the job's id, the same one however often it is asked for.

    `confirmed_by` is their mail address. Raises `UserNotFound`, `NotConfirmed` and `NotErasableYet`.
    """
    who = subject(session, user_id=user_id)
    if session.get(Erasure, user_id) is None:
        if key_of(confirmed_by) != key_of(who.email):
            raise NotConfirmed(user_id=user_id)
        refuse_obliged(session, who)
        _store(session, user_id=user_id, requested_by=requested_by)
        note_operation(
            session, title="Erase a person's data", path=f"privacy/erasures/{user_id}", user_name=requested_by
        )
    sent = celery_app.send_task(ERASE_TASK, kwargs={"user_id": user_id}, key=f"erase:{user_id}")
    return str(sent.id)


def erasure(session: Session, *, user_id: int) -> Erasure | None:
    """What became of the erasure of a person; None where nobody has asked for it."""
    return session.get(Erasure, user_id)


def subject(session: Session, *, user_id: int) -> Subject:
    """The person, as tables name them. Raises `UserNotFound`."""
    return Subject(user_id=user_id, email=person(session, user_id=user_id).email)


def refuse_obliged(session: Session, who: Subject) -> None:
    """Raise `NotErasableYet` for the first thing that has to be put in order before."""
    for declaration in declarations():
        for obligation in declaration.obligations(session, who):
            raise NotErasableYet(obligation=obligation)


def erase(session: Session, *, user_id: int, commit: Checkpoint) -> Report:
    """Erase a person whose erasure was confirmed; by table, what was done.

    Raises `NobodyConfirmed`, and `StillInUse` while something of theirs is not to be had.
    """
    this = _locked(session, user_id)
    if this.finished_at is not None:
        return this.report
    who = subject(session, user_id=user_id)
    if this.severed_at is None:
        _begin(session, this, who)
        commit()
    for stage in (Stage.CONTENT, Stage.ROOTS, Stage.MEMBERSHIPS):
        for table in _of_stages(stage):
            _erase_table(session, table, who, commit=commit)
        # By those of a later stage they are found: these stay until nothing else is left.
        _refuse_left(session, who, _of_stages(*range(stage + 1)))
    return _finish(session, who)


def _of_stages(*stages: int) -> list[PersonalTable]:
    return [table for table in erasable_tables() if table.stage in stages]


def _begin(session: Session, this: Erasure, who: Subject) -> None:
    """End what goes on in the person's name, and note what is kept, while it can be told whose it is."""
    for declaration in declarations():
        declaration.sever(session, who)
    found = {table.name: kept(session, table, who) for table in erasable_tables()}
    this.report = {
        name: {"kept": stays.rows, "why": stays.reason} for name, stays in found.items() if stays is not None
    }
    this.severed_at = now(session)


def _erase_table(session: Session, table: PersonalTable, who: Subject, *, commit: Checkpoint) -> None:
    while count := erase_batch(session, table, who):
        _count(session, table, who, count)
        commit({"table": table.name})


def _count(session: Session, table: PersonalTable, who: Subject, count: int) -> None:
    """Add to the report in the transaction of what it says."""
    this = _locked(session, who.user_id)
    verb = "anonymised" if isinstance(table.erasure, Anonymise) else "deleted"
    before = this.report.get(table.name, {})
    this.report = this.report | {table.name: before | {verb: before.get(verb, 0) + count}}
    session.flush()


def _refuse_left(session: Session, who: Subject, tables: list[PersonalTable]) -> None:
    left = [table.name for table in tables if is_left(session, table, who)]
    if left:
        raise StillInUse(user_id=who.user_id, tables=left)


def _finish(session: Session, who: Subject) -> Report:
    # What refers to the person waits for this lock, so that nothing comes after the last look.
    lock_person(session, user_id=who.user_id)
    *others, person_itself = erasable_tables()
    _refuse_left(session, who, others)
    _count(session, person_itself, who, erase_batch(session, person_itself, who))
    this = _locked(session, who.user_id)
    this.finished_at = now(session)
    note_operation(
        session,
        title="A person's data is erased",
        path=f"privacy/erasures/{who.user_id}",
        user_name=this.requested_by,
    )
    log.info("person_erased", user_id=who.user_id, tables=len(this.report))
    return this.report


def _locked(session: Session, user_id: int) -> Erasure:
    found = session.get(Erasure, user_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NobodyConfirmed(user_id=user_id)
    return found


def _store(session: Session, *, user_id: int, requested_by: str) -> None:
    statement = insert_or_update(session, Erasure).values(
        user_id=user_id, requested_by=requested_by, requested_at=now(session), report={}
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=[Erasure.user_id]))
