"""Checks of what workers took from the queues."""

from __future__ import annotations

from typing import Any

from app.health.doctor.finding import Finding
from app.jobs.quarantine import quarantine

ABOUT = "broker"
MAX_NAMED = 5


def queues_hold_no_garbage() -> Finding:
    """Whether workers found something on a queue that is no message."""
    garbage = [entry for entry in _entries() if not entry.get("job")]
    if not garbage:
        return Finding.ok(ABOUT, "Workers found only valid messages on the queues.")
    last = garbage[0]
    return Finding.warning(
        ABOUT,
        f"Workers quarantined {len(garbage)} entries of queues that are not messages, the last from "
        f'"{last["queue"]}" at {last["at"]}: {last["problem"]}',
        fix="Find out who else writes to this broker (groundwork quarantine list shows what it was), "
        "then run: groundwork quarantine clear",
    )


def messages_can_be_read() -> Finding:
    """Whether workers put messages of the ledger's own jobs aside."""
    unread = [entry for entry in _entries() if entry.get("job")]
    if not unread:
        return Finding.ok(ABOUT, "Workers could read the messages of all jobs.")
    jobs = list(dict.fromkeys(entry["job"] for entry in unread))
    more = f" and {len(jobs) - MAX_NAMED} more" if len(jobs) > MAX_NAMED else ""
    return Finding.warning(
        ABOUT,
        f"Workers could not read the messages of these jobs: {', '.join(jobs[:MAX_NAMED])}{more}; of the "
        f"last: {unread[0]['problem']}",
        fix="They become dead after a few attempts; see what each was to do (groundwork jobs show ID), "
        "submit it again, then run: groundwork quarantine clear",
    )


def _entries() -> list[dict[str, Any]]:
    return quarantine.entries()
