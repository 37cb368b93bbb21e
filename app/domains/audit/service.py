"""Takes records of both logs as jobs, and writes them; nothing here commits."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError
from sqlalchemy import func, select

from app.db.upsert import insert_or_update
from app.domains.audit.facts import Activity, LoginStatus
from app.domains.audit.models import Login, Operation
from app.domains.audit.records import (
    LoginRecord,
    OperationRecord,
    Record,
    first_id,
    last_id,
    moment,
    new_id,
)
from app.domains.audit.user_agents import agent_of
from app.jobs.accept import accept
from app.jobs.errors import PermanentError
from app.jobs.factory import new_job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.jobs.acts import Act

OPERATION_TASK = "audit.log_operation_task"
LOGIN_TASK = "audit.log_login_task"
LONGEST_COMPLAINT = 500


class UnusableRecord(PermanentError):
    """Raised for arguments of the two tasks that are no records."""

    code = "unusable_record"

    def __init__(self, *, error: ValidationError) -> None:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        super().__init__(f"A record cannot be kept: {place}: {problem['msg']}."[:LONGEST_COMPLAINT])


def accept_operations(session: Session, records: Sequence[Mapping[str, Any]]) -> None:
    """Have a worker write these records; from the commit on, no crash loses them."""
    accept(session, [new_job(OPERATION_TASK, kwargs={"records": list(records)}, context={})])


def record_login(
    session: Session,
    *,
    status: LoginStatus,
    user_name: str,
    user_id: int | None = None,
    message: str = "",
    address: str | None = None,
    user_agent: str | None = None,
) -> None:
    """Have a worker write down an attempt to sign in, if the session's transaction commits.

    So a failed attempt is recorded in a transaction that is committed although the request is refused.
    """
    now = time.time_ns()
    record = LoginRecord(
        id=new_id(at=now),
        at=moment(now),
        trace_id=structlog.contextvars.get_contextvars().get("request_id"),
        user_id=user_id,
        user_name=user_name,
        address=address,
        user_agent=user_agent,
        status=status,
        message=message,
    )
    accept(session, [new_job(LOGIN_TASK, kwargs={"records": [record.model_dump(mode="json")]})])


def note_operation(
    session: Session,
    *,
    title: str,
    path: str,
    user_name: str,
    user_id: int | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Have a worker write down what was done, whatever becomes of a request, if the transaction commits.

    `arguments` is what belongs to it: a reason, and how it was before and after.
    """
    now = time.time_ns()
    seen = {"id": new_id(at=now), "at": moment(now), "user_name": user_name, "user_id": user_id}
    record = OperationRecord(
        method="JOB", title=title, path=path, arguments=dict(arguments or {}), status=200, **seen
    )
    accept_operations(session, [record.model_dump(mode="json")])


def note_act(session: Session, act: Act) -> None:
    """As `note_operation`, of what was done without a request."""
    note_operation(session, title=act.title, path=act.path, user_name=act.by, arguments=act.arguments)


def write_operations(session: Session, records: Sequence[Mapping[str, Any]]) -> int:
    """Write those of `records` that are not in the operation log yet; how many."""
    return _write(session, Operation, _checked(OperationRecord, records))


def write_logins(session: Session, records: Sequence[Mapping[str, Any]]) -> int:
    """Write those of `records` that are not in the login log yet; how many."""
    return _write(session, Login, _checked(LoginRecord, records))


def activity(session: Session, *, since: datetime, until: datetime) -> list[Activity]:
    """What each user did from `since` until just before `until`."""
    found: dict[int, Activity] = {}
    for name, table in (("logins", Login), ("operations", Operation)):
        for user_id, count, last in _by_user(session, table, since=since, until=until):
            known = found.get(user_id, Activity(user_id=user_id, last_seen_at=last))
            last_seen_at = max(known.last_seen_at, last)
            found[user_id] = replace(known, last_seen_at=last_seen_at, **{name: count})
    return list(found.values())


def failures(session: Session, *, since: datetime, until: datetime) -> dict[str, int]:
    """By the address that was given, how often signing in failed in that time."""
    failed = select(Login.user_name, func.count()).where(
        *_within(Login, since=since, until=until),
        Login.status == LoginStatus.FAILURE,
        Login.user_name.is_not(None),
    )
    return {name: count for name, count in session.execute(failed.group_by(Login.user_name)) if name}


def _by_user(
    session: Session, table: type[Operation | Login], *, since: datetime, until: datetime
) -> Sequence[Any]:
    """How often each user did what stands in `table`, and when last; of logins those that succeeded."""
    seen = select(table.user_id, func.count(), func.max(table.at)).where(
        *_within(table, since=since, until=until), table.user_id.is_not(None)
    )
    if table is Login:
        seen = seen.where(Login.status == LoginStatus.SUCCESS)
    return session.execute(seen.group_by(table.user_id)).all()


def _within(
    table: type[Operation | Login], *, since: datetime, until: datetime
) -> tuple[ColumnElement[bool], ...]:
    # By the id for the index, and by the time, which is finer.
    return table.id >= first_id(since), table.id <= last_id(until), table.at >= since, table.at < until


def _checked(kind: type[Record], records: Sequence[Mapping[str, Any]]) -> list[Record]:
    try:
        return [kind.model_validate(record) for record in records]
    except ValidationError as error:
        raise UnusableRecord(error=error) from None


def _write(session: Session, table: type[Operation | Login], records: Sequence[Record]) -> int:
    rows = [record.model_dump() | agent_of(record.user_agent)._asdict() for record in records]
    if not rows:
        return 0
    # One statement: as often as a job runs, and whatever it died of before, each record is one row.
    statement = insert_or_update(session, table).values(rows).on_conflict_do_nothing(index_elements=["id"])
    return len(session.scalars(statement.returning(table.id)).all())
