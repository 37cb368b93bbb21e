"""Writes claims and finishes to the ledger, all that wait in one statement, while the event loop goes on."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from app.db import outages
from app.db.engine import CONNECT_TIMEOUT
from app.jobs.celery import forks, main_process_ends
from app.jobs.ledger import store
from app.jobs.ledger.encoding import sentence
from app.jobs.ledger.retrying import PAUSE
from app.jobs.publish import sent
from app.jobs.transitions import rules
from app.jobs.transitions.attempt import TRANSIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.jobs.celery.batches.claimed import Fetched
    from app.jobs.transitions.attempt import Left
    from app.jobs.transitions.recording import AfterDeath

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Of one statement.
MAX_BATCH = 500


@dataclass(slots=True, kw_only=True, eq=False)
class Ended:
    """A job whose child has done all but write its end."""

    request: Any
    left: Left
    seconds: float
    #: Whether it was tried before: then the end may be written, and the answer lost.
    is_repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Who is told what was done, in the writer's thread."""

    claimed: Callable[[list[Fetched]], None]
    ended: Callable[[list[Ended]], None]
    #: Those of which the message is to go back to the broker.
    released: Callable[[list[Fetched]], None]


class LedgerWriter(threading.Thread):
    """Takes orders from the event loop and answers them; what the database does not take is tried again."""

    def __init__(self, *, worker: str, answers: Answers, after_death: AfterDeath) -> None:
        super().__init__(name="ledger-writer", daemon=True)
        self._worker = worker
        self._answers = answers
        self._after_death = after_death
        self._claims: deque[Fetched] = deque()
        self._ends: deque[Ended] = deque()
        #: Among these is one whose end the database does not take.
        self._alone: deque[Ended] = deque()
        self._begun: deque[tuple[str, int, float]] = deque()
        self._releases: deque[tuple[Fetched, bool]] = deque()
        self._wake = threading.Event()
        self._is_to_end = False
        self._is_away = False
        self._connection: store.Connection | None = None
        forks.before(self._disconnect)

    def claim(self, fetched: Iterable[Fetched]) -> None:
        """Claim these jobs; those that cannot be, come back without a claim."""
        self._claims.extend(fetched)
        self._wake.set()

    def finish(self, ended: Ended) -> None:
        """Write an end."""
        self._ends.append(ended)
        self._wake.set()

    def note_begun(self, begun: Iterable[tuple[str, int, float]]) -> None:
        """Note when jobs (ids and fences) began (monotonic time)."""
        self._begun.extend(begun)
        self._wake.set()

    def release(self, fetched: Iterable[Fetched], *, offer: bool) -> None:
        """Undo the claims of what has not begun; without `offer`, beat is to send it again."""
        self._releases.extend((one, offer) for one in fetched)
        self._wake.set()

    def end(self) -> None:
        """Write what waits, if the database answers in time, and take no more orders."""
        self._is_to_end = True
        self._wake.set()
        self.join(CONNECT_TIMEOUT.total_seconds())

    def run(self) -> None:
        while self._has_orders() or not self._is_to_end:
            self._wake.wait()
            self._wake.clear()
            while self._has_orders():
                self._work()
        self._disconnect()

    def _has_orders(self) -> bool:
        return bool(self._ends or self._alone or self._claims or self._releases or self._begun)

    def _work(self) -> None:
        try:
            # Fork waits for this, and this for a fork.
            with forks.at_work:
                self._write_ends(_taken(self._ends))
                self._write_ends(_taken(self._alone, most=1))
                self._write_begun(_taken(self._begun))
                self._write_releases(_taken(self._releases))
                self._write_claims(_taken(self._claims))
        except Exception as error:  # of a thread that everything waits for
            if not outages.is_transient(error):
                log.exception("ledger_not_written")
            elif not self._is_away:
                log.warning("database_away", error=str(error).strip(), retry_seconds=PAUSE.seconds)
            self._is_away = True
            self._disconnect()
            time.sleep(PAUSE.total_seconds())
            return
        if self._is_away:
            log.info("database_back")
        self._is_away = False

    def _connected(self) -> store.Connection:
        if self._connection is None:
            self._connection = store.connect()
        return self._connection

    def _disconnect(self) -> None:
        opened, self._connection = self._connection, None
        if opened is not None:
            opened.close()

    def _write_ends(self, ended: list[Ended]) -> None:
        if not ended:
            return
        try:
            self._finish(ended)
        except Exception as error:
            if outages.is_transient(error):
                for one in ended:
                    one.is_repeated = True
                self._ends.extendleft(reversed(ended))
                raise
            if len(ended) > 1:
                self._alone.extend(ended)
                return
            self._fail(ended[0], error)
        self._answers.ended(ended)

    def _finish(self, ended: list[Ended]) -> None:
        now = time.monotonic()
        # In one order, or two workers that write the same rows might wait for each other.
        ordered = sorted(ended, key=lambda one: (one.request.id, one.left.fence))
        rows = [
            store.Finish(one.request.id, one.left.fence, one.left.result, max(now - one.left.began, 0.0))
            for one in ordered
        ]
        done = store.finish(self._connected(), rows)
        for one in ended:
            job_id, fence = one.request.id, one.left.fence
            if job_id in done or (one.is_repeated and self._is_done(job_id, fence)):
                continue
            log.warning("lease_lost", job_id=job_id, fence=fence)

    def _is_done(self, job_id: str, fence: int) -> bool:
        return store.is_done(self._connected(), job_id=job_id, fence=fence)

    def _fail(self, ended: Ended, error: Exception) -> None:
        log.error("end_not_written", job_id=ended.request.id, exc_info=error)
        transition = rules.dead(sentence(error))
        main_process_ends.end(
            ended.request.id, transition, request=ended.request, exc=error, after_death=self._after_death
        )

    def _write_begun(self, begun: list[tuple[str, int, float]]) -> None:
        if not begun:
            return
        now = time.monotonic()
        rows = sorted((job_id, fence, max(now - began, 0.0)) for job_id, fence, began in begun)
        try:
            store.note_begun(self._connected(), rows)
        except Exception as error:
            if outages.is_transient(error):
                self._begun.extendleft(reversed(begun))
            raise

    def _write_releases(self, releases: list[tuple[Fetched, bool]]) -> None:
        if not releases:
            return
        claims = sorted((one.id, one.claim.fence) for one, _ in releases if one.claim)
        try:
            released = store.release(self._connected(), claims)
        except Exception as error:
            if outages.is_transient(error):
                self._releases.extendleft(reversed(releases))
            raise
        unsent = [one.id for one, offer in releases if not offer and one.id in released]
        if unsent:
            sent.mark_unpublished(unsent)
        self._answers.released([one for one, offer in releases if offer and one.id in released])

    def _write_claims(self, fetched: list[Fetched]) -> None:
        if not fetched:
            return
        began = time.monotonic()
        try:
            self._claim(fetched, began)
        except Exception as error:
            if outages.is_transient(error):
                for one in fetched:
                    one.asked_at = one.asked_at or began
                self._claims.extendleft(reversed(fetched))
                raise
            # The children claim them, one by one.
            log.exception("not_claimed_ahead", jobs=len(fetched))
        self._answers.claimed(fetched)

    def _claim(self, fetched: list[Fetched], began: float) -> None:
        messages = sorted(store.Message(one.id, one.attempt) for one in fetched)
        claims = store.claim(self._connected(), messages, worker=self._worker, ahead=True)
        found = {claim.id: claim for claim in claims}
        for one in fetched:
            one.claim, one.claimed_at = found.pop(one.id, None), began
            if one.claim is None and one.asked_at is not None:
                one.claim = self._take_over(one, one.asked_at)

    def _take_over(self, one: Fetched, asked_at: float) -> store.Claim | None:
        message, since = store.Message(one.id, one.attempt), time.monotonic() - asked_at + TRANSIT_SECONDS
        claims = store.take_over(self._connected(), message, worker=self._worker, since_seconds=since)
        return claims[0] if claims else None


def _taken(orders: deque[T], *, most: int = MAX_BATCH) -> list[T]:
    return [orders.popleft() for _ in range(min(len(orders), most))]
