"""Which messages can wait in a worker until a child is free; all others are Celery's to make something of."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from app.jobs.celery.batches.claimed import Fetched
from app.jobs.celery.transport import envelope
from app.jobs.celery.transport.copies import tag_of
from app.jobs.celery.transport.envelope import NotAMessage
from app.jobs.ledger.names import is_name
from app.jobs.publish.headers import LEDGER_HEADER

if TYPE_CHECKING:
    from collections.abc import Container

#: Of PostgreSQL's integer.
MAX_ATTEMPT = 2**31 - 1


def as_fetched(raw: bytes, *, queue: str, place: str, tasks: Container[str]) -> Fetched | None:
    """What a message says, for one of `tasks` that is due; None for any other, and for garbage."""
    with suppress(NotAMessage):
        return _of_document(envelope.read(raw), queue=queue, place=place, raw=raw, tasks=tasks)
    return None


def _of_document(
    document: Any, *, queue: str, place: str, raw: bytes, tasks: Container[str]
) -> Fetched | None:
    headers = document.get("headers") if isinstance(document, dict) else None
    if not isinstance(headers, dict) or headers.get("eta") or tag_of(document) is None:
        return None
    job_id, attempt, task = headers.get("id"), headers.get("retries"), headers.get("task")
    is_known = isinstance(task, str) and task in tasks and is_name(job_id)
    if not is_known or type(attempt) is not int or not 0 <= attempt < MAX_ATTEMPT:
        return None
    return Fetched(
        id=str(job_id),
        attempt=attempt,
        document=document,
        queue=queue,
        place=place,
        raw=raw,
        is_ledgered=bool(headers.get(LEDGER_HEADER)),
        claimed_at=time.monotonic(),
    )
