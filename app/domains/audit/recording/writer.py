"""Hands what the recorder noted to the ledger, in batches, from a thread of its own."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog
from starlette.concurrency import run_in_threadpool

from app.db.sessions import transaction
from app.domains.audit.recording.recorder import Recorder, record_of
from app.domains.audit.service import accept_operations
from app.http.observing import observed_by
from app.processes.repeating_thread import RepeatingThread
from app.values.typed_json import to_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1.0
#: A job may have 256 KiB of arguments, and an insert 32,767 values (SQLite).
MAX_BATCH = 500
MAX_BATCH_BYTES = 128 * 1024
#: A database that does not answer must not keep the API from stopping.
STOP_SECONDS = 10.0


class Writer(RepeatingThread):
    """Makes records of what was noted, and has each batch accepted as a job.

    A batch is let go only once its job is committed; an answer that is lost makes it two jobs, and one row
    for each record all the same.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(name="audit-writer")
        self._recorder = recorder
        self._made: deque[dict[str, Any]] = deque()
        self._batch: list[dict[str, Any]] = []

    def work(self) -> None:
        """Hand on all that waits."""
        self._write(at_end=False)

    def pause(self) -> float:
        """Long enough for a batch to gather."""
        return PAUSE_SECONDS

    def close(self) -> None:
        """Hand on what is left and end; what the database does not take now is lost, and said to be."""
        self.end()
        self.join(STOP_SECONDS)
        try:
            if not self.is_alive():
                self._write(at_end=True)
        except Exception as error:
            log.error("audit_records_lost", count=self._count(), error=type(error).__name__)
        else:
            if left := self._count():
                log.error("audit_records_lost", count=left, error="the database did not answer in time")

    def _count(self) -> int:
        return len(self._batch) + len(self._made) + len(self._recorder)

    def _write(self, *, at_end: bool) -> None:
        if not self._batch:
            self._made += [left.model_dump(mode="json") for left in self._recorder.left_out(at_end=at_end)]
        while self._fill():
            with transaction() as session:
                accept_operations(session, self._batch)
            self._batch = []

    def _fill(self) -> bool:
        """Have a batch, the one before if it was not accepted; False when there is nothing."""
        if self._batch:
            return True
        taken = self._recorder.take(at_most=MAX_BATCH - len(self._made))
        self._made += [record_of(noted).model_dump(mode="json", exclude_defaults=True) for noted in taken]
        size = 0
        while self._made and len(self._batch) < MAX_BATCH:
            size += len(to_json(self._made[0]))
            if self._batch and size > MAX_BATCH_BYTES:
                break
            self._batch.append(self._made.popleft())
        return bool(self._batch)


@asynccontextmanager
async def recording(_app: Any) -> AsyncIterator[None]:
    """Record the requests that the API answers while it runs, in each of its processes."""
    recorder = Recorder()
    writer = Writer(recorder)
    writer.start()
    with observed_by(recorder.note):
        yield
    await run_in_threadpool(writer.close)
