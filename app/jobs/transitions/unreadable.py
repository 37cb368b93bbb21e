"""Jobs whose row makes no message that a worker can read: each ends dead, with the reason.

A worker of another release may be able to read what this one cannot, so the message gets a few attempts.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import structlog

from app.db.sessions import transaction
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, State
from app.jobs.publish.headers import LEDGER_HEADER
from app.jobs.transitions import apply, deaths, deferred_ends, dependents, rules
from app.jobs.transitions.deaths import Death

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.publish.message import Dispatch

log = structlog.get_logger(__name__)

#: Also for a task without end to its attempts: nothing outside mends what cannot be read.
MAX_ATTEMPTS = 3


def count_attempt(raw: bytes, problem: str) -> str | None:
    """Count a quarantined message of the ledger as an attempt; the id of its job, None if it has none.

    One that is quarantined a second time, or whose job has moved on, counts for nothing.
    """
    message = _message(raw)
    if message is None:
        return None
    deferred_ends.write(lambda: _count(message, problem=problem), job_id=message.id)
    return message.id


def end_unreadable(dispatch: Dispatch, *, problem: str) -> None:
    """End a ready job that no message can be made of."""
    _count(store.Message(dispatch.id, dispatch.attempt), problem=problem, most=1)


def _message(raw: bytes) -> store.Message | None:
    try:
        headers: Any = json.loads(raw)["headers"]
        if not headers[LEDGER_HEADER] or not isinstance(headers["id"], str):
            return None
        return store.Message(headers["id"], int(headers["retries"]))
    except Exception:  # garbage may be anything
        return None


def _count(message: store.Message, *, problem: str, most: int = MAX_ATTEMPTS) -> None:
    worker = f"reader@{socket.gethostname()}"
    with transaction() as session:
        claims = store.claim(store.under(session), [message], worker=worker)
        died = [_end(session, claim, problem=problem, most=most) for claim in claims]
    for death in died:
        if death is not None:
            deaths.tell(death)


def _end(session: Session, claim: store.Claim, *, problem: str, most: int) -> Death | None:
    """End the attempt; the death of its job, if that was the last one."""
    job = session.get_one(Job, claim.id)
    error = f"UnreadableMessage: The message that this job's row makes cannot be read. {problem}"
    most = most if claim.max_attempts is None else min(most, claim.max_attempts)
    transition = rules.lost(task=job.task, attempt=claim.attempt, max_attempts=most, error=error)
    guard = apply.held_with(job_id=claim.id, fence=claim.fence)
    apply.end_attempt(session, job_id=claim.id, guard=guard, transition=transition)
    log.warning("message_unreadable", job_id=claim.id, problem=problem, next=transition.state.value)
    if transition.state is not State.DEAD:
        return None
    dependents.fail_dependents(session, job=job, error=RuntimeError(error))
    return Death.of(job, error=error)
