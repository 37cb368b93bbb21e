"""What a job is when it is accepted: the source of its row, of its statements and of its message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.values.typed_json import from_json

if TYPE_CHECKING:
    from datetime import datetime


class NewJob(NamedTuple):
    """A job to accept. What is JSON in the ledger is JSON text here: encoded once for ledger and wire."""

    id: str
    task: str
    queue: str
    priority: int
    args: str = "[]"
    kwargs: str = "{}"
    options: str | None = None
    context: str | None = None
    group_id: str | None = None
    key: str | None = None
    digest: str | None = None
    #: Not before this moment, or not before so many seconds after it was accepted.
    run_at: datetime | None = None
    delay_seconds: float = 0.0
    expires_at: datetime | None = None
    expires_seconds: float | None = None
    max_attempts: int | None = None
    #: Whose limits it shares; such a job is held in the ledger until it is admitted.
    partition: str | None = None
    #: The same for all jobs of a unique task that ask for the same.
    unique: str | None = None
    #: By which it is found: names and hashes.
    search: tuple[tuple[str, str], ...] = ()
    #: Whether the id was made just now, so that no row can have it. Looking for one costs a third more.
    fresh: bool = False

    def work(self) -> dict[str, Any]:
        """What is to be done and how, by the columns of a row that was there before its job."""
        return {
            "task": self.task,
            "queue": self.queue,
            "priority": self.priority,
            "max_attempts": self.max_attempts,
            "partition": self.partition,
            "args": from_json(self.args),
            "kwargs": from_json(self.kwargs),
            "options": from_json(self.options) if self.options else None,
        }


#: What the row's times are worked out from, by the database's clock, and what is not stored.
_WORKED_OUT = {"run_at", "delay_seconds", "expires_at", "expires_seconds", "unique", "search", "fresh"}
#: The fields that are columns of the row as they stand.
STORED_AS_GIVEN = tuple(name for name in NewJob._fields if name not in _WORKED_OUT)
#: The other columns that a row has from the moment it is accepted.
SET_WHEN_ACCEPTED = ("state", "accepted_at", "run_at", "published_at", "expires_at", "attempt", "fence")
