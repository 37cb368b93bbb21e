"""Where workers put what came from a queue and is not a message, for an operator to look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from app.jobs.broker.current import broker
from app.jobs.broker.port import KEPT

log = structlog.get_logger(__name__)

#: Of each the beginning is kept: garbage may come in any size.
HEAD_BYTES = 2048


#: Called with whatever is quarantined and what is wrong with it; the answer is the job it belongs to.
Owner = Callable[[bytes, str], str | None]
_OWNERS: list[Owner] = []


def add(raw: bytes, *, queue: str, problem: str) -> None:
    """Keep the beginning of `raw`, count it, and say so in the log."""
    job = next((job for owner in _OWNERS if (job := owner(raw, problem))), None)
    log.warning("message_put_aside", queue=queue, size=len(raw), problem=problem, job_id=job)
    entry = {
        "job": job,
        "queue": queue,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "problem": problem,
        "size": len(raw),
        "head": raw[:HEAD_BYTES].decode(errors="backslashreplace"),
    }
    try:
        broker().add_to_quarantine(json.dumps(entry))
    except broker().failures as error:
        # A full broker takes nothing more; the log line above has to do.
        log.warning("message_not_kept", queue=queue, error=str(error))


def tell(owner: Owner) -> None:
    """Have `owner` told of what is quarantined, so that it can see to what is its own."""
    _OWNERS.append(owner)


def entries(*, limit: int = KEPT) -> list[dict[str, Any]]:
    """What is in quarantine, the newest first."""
    return [json.loads(entry) for entry in broker().quarantine_entries(limit=limit)]
