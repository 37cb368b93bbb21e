"""Where workers put what came from a queue and is not a message, for an operator to look at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from app.errors import NotFound
from app.jobs.broker.current import broker
from app.jobs.broker.port import KEPT
from app.values.text import quoted

log = structlog.get_logger(__name__)

#: Of each the beginning is kept: garbage may come in any size.
HEAD_BYTES = 2048
ID_LENGTH = 32


#: Called with whatever is quarantined and what is wrong with it; the answer is the job it belongs to.
Owner = Callable[[bytes, str], str | None]
_OWNERS: list[Owner] = []


class NoSuchEntry(NotFound):
    """Raised for an id that nothing in quarantine has."""

    code = "no_such_entry"

    def __init__(self, *, entry_id: str) -> None:
        super().__init__(
            f"Nothing in quarantine has the id {quoted(entry_id)}: it was discarded, or newer ones took "
            "its place."
        )


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
    return [_read(entry) for entry in broker().quarantine_entries(limit=limit)]


def forget(entry_id: str) -> bool:
    """Forget the entry of that id, and no other; whether it was there."""
    # The entries of equal garbage are equal: one of them goes, whichever that is.
    raw = next((each for each in broker().quarantine_entries(limit=KEPT) if _id_of(each) == entry_id), None)
    return raw is not None and broker().forget_quarantined(raw)


def _read(raw: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(raw)
    return {**entry, "id": _id_of(raw)}


def _id_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:ID_LENGTH]
