"""What the worker's main process holds of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.exceptions import InvalidTaskError, TaskRevokedError
from celery.worker.request import Request

from app.jobs.celery import compat
from app.jobs.celery.batches import claimed, lookahead
from app.jobs.celery.transport import envelope
from app.jobs.ledger.encoding import sentence
from app.jobs.publish.headers import LEDGER_HEADER
from app.jobs.transitions.attempt import Left
from app.settings.config import settings

if TYPE_CHECKING:
    from typing import Literal

    from app.jobs.celery.batches.claimed import Fetched


class OutOfMemory(Exception):
    """Stands for the `MemoryError` of a body, whose end its child has recorded."""


class JobRequest(Request):
    """Leaves it to the ledger whether a job was cancelled, or has expired by the database's clock.

    A claim refuses such a job, and beat cancels an expired one.
    """

    #: Whether it was cancelled before its child had begun.
    is_to_stop = False

    def __init_subclass__(cls) -> None:
        """Celery makes a subclass for each task, with quicker forms of methods that are ours."""
        for name in compat.QUICK_METHODS:
            if name in vars(cls):
                delattr(cls, name)

    def __init__(self, message: Any, *, claim: Fetched | None = None, **options: Any) -> None:
        """As Celery's, with what this worker has claimed for the child that is to run it.

        A message with headers of odd types would end the whole worker in Celery's.
        """
        try:
            super().__init__(message, **options)
        except InvalidTaskError:
            raise
        except Exception as error:
            raise InvalidTaskError(f"Its headers cannot be read: {sentence(error)}") from error
        # A message brings the limits that held when it was sent; who raises them means its retries, too.
        self.time_limits = settings().time_limits.get(self.type, self.time_limits)
        self.claim = claim
        self.request_dict.pop(claimed.HEADER, None)
        if claim is not None:
            self.request_dict[claimed.HEADER] = claim.handed

    def revoked(self) -> bool:
        """Whether Celery is to refuse the job; an id in this worker's memory would outlive a retry."""
        if self.request_dict.get(LEDGER_HEADER):
            compat.forget_revoked(self.id)
        return bool(super().revoked())

    def maybe_expire(self) -> Literal[True] | None:
        """Whether Celery is to refuse the job."""
        return None if self.request_dict.get(LEDGER_HEADER) else super().maybe_expire()

    def execute_using_pool(self, pool: Any, **_: Any) -> Any:
        """As Celery's; a child leaves the finish of what was claimed for it to this process."""
        if self.revoked():
            raise TaskRevokedError(self.id)
        hard, soft = self.time_limits
        self._pool = pool
        result = pool.apply_async(
            claimed.trace,
            args=(self.type, self.id, self.request_dict, *self._content(pool)),
            accept_callback=self.on_accepted,
            timeout_callback=self.on_timeout,
            callback=self.on_success,
            error_callback=self.on_failure,
            soft_timeout=soft or self.task.soft_time_limit,
            timeout=hard or self.task.time_limit,
            correlation_id=self.id,
        )
        compat.keep_result(self, result)
        return result

    def _content(self, pool: Any) -> tuple[Any, str | None, str | None]:
        """The body, its type and its encoding; none of these where it has been read."""
        if self.content_type is None or not envelope.is_plain(self):
            return self.body, self.content_type, self.content_encoding
        # A thread would change what this process keeps: it gets arguments of its own.
        is_copied = getattr(pool, "copies", False)
        return self.message.payload if is_copied else envelope.read(self.body), None, None

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        """As Celery's: a child begins."""
        super().on_accepted(pid, time_accepted)
        if self.claim is not None:
            lookahead.current().on_begun(self, at=time_accepted)
        if self.is_to_stop:
            compat.stop_child(self._pool, pid)

    def on_success(self, failed__retval__runtime: tuple[int, Any, float], **options: Any) -> None:
        """As Celery's, but what is left of a finish is written first."""
        _, left, seconds = failed__retval__runtime
        if isinstance(left, Left):
            # Its child may have begun another job, which must not be stopped in its place.
            self.worker_pid = None
            lookahead.current().on_finishing(self, left, seconds=seconds)
            return
        super().on_success(failed__retval__runtime, **options)
        self._leave()

    def on_finished(self) -> None:
        """Its finish is written."""
        compat.end_request(self)
        self.acknowledge()

    def tell_received(self) -> None:
        """Tell those who watch events; it is due."""
        self.send_event(
            "task-received",
            name=self.name,
            args=self.argsrepr,
            kwargs=self.kwargsrepr,
            root_id=self.root_id,
            parent_id=self.parent_id,
            retries=self.request_dict.get("retries", 0),
            eta=None,
            expires=self.expires and self.expires.isoformat(),
        )

    def tell_success(self, *, result: str | None, seconds: float) -> None:
        """Tell those who watch events."""
        self.send_event("task-succeeded", result=result, runtime=seconds)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """As Celery's."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._leave()

    def _leave(self) -> None:
        """Make room for what waits, whoever claimed this."""
        if lookahead.is_used():
            lookahead.current().on_ended(self)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """As Celery's, which ends the whole worker where a body in one child has run out of memory."""
        error = exc_info.exception
        if isinstance(getattr(error, "exc", error), MemoryError):
            exc_info.exception = OutOfMemory(str(error))
        celery: Any = super()
        try:
            return celery.on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)
        finally:
            self._leave()
