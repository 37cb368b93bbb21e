"""The day's jobs, worked out from a seed: the same seed at the same moment is the same day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.demonstration.kinds import KINDS, NO_VAT_ID, PLAID_DOWN
from app.jobs.declaration import registry
from app.jobs.ledger.models import Outcome, State
from app.jobs.statistics.adding import floor
from app.topology import POOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.demonstration.kinds import Kind

DAY = timedelta(days=1)
#: What was accepted later than this would not have ended yet.
ENDED = timedelta(minutes=15)
HOSTS = ("host-1", "host-2")
GOOD, BAD = "shop-41", "shop-42"
#: So long ago the bad release was deployed, and taken back.
BAD_FROM, BAD_UNTIL = timedelta(hours=9), timedelta(hours=8, minutes=20)
BROKEN_INVOICES = 8
RETRY_AFTER = timedelta(seconds=30)
LONGEST_WAIT, LONGEST_RUN = 60.0, 120.0
#: Tasks that nobody minds when they run.
HARMLESS = ("pricing.update_price_history", "stats.sync_stats", "pricing.cleanup_expired_discounts")
#: By the hour of the day, how busy it is; the fullest is 1.
_BUSY = (0.15,) * 6 + (0.4, 0.7) + (1.0,) * 9 + (0.7, 0.6, 0.5, 0.4) + (0.25,) * 3


@dataclass(frozen=True, kw_only=True)
class Run:
    """One attempt."""

    started_at: datetime
    finished_at: datetime
    worker: str
    release: str
    outcome: Outcome
    error: str | None = None


@dataclass(kw_only=True)
class Piece:
    """One job."""

    id: str
    task: str
    arguments: dict[str, Any]
    accepted_at: datetime
    state: State
    run_at: datetime | None = None
    runs: list[Run] = field(default_factory=list)
    result: Any = None
    #: Whether a schedule made it.
    is_scheduled: bool = False


def plan(*, seed: int, now: datetime) -> list[Piece]:
    """All jobs of the day before `now`, in the order in which they were accepted."""
    day = _Day(rng=Random(seed), now=now)  # noqa: S311 (believable, not secret)
    pieces = [piece for kind in KINDS for piece in day.of_kind(kind)]
    return sorted(
        [*pieces, *day.broken(), *day.to_retry(), *day.to_begin()], key=lambda piece: piece.accepted_at
    )


@dataclass(kw_only=True)
class _Day:
    rng: Random
    now: datetime

    def of_kind(self, kind: Kind) -> Iterator[Piece]:
        for number, at in enumerate(self._moments(kind), start=1):
            piece = self._begun(kind.task, at, kind.arguments(self.rng), is_scheduled=kind.every is not None)
            if kind.dies_each and number % kind.dies_each == 0:
                error = kind.dies_with.format(piece.arguments.get("item_id"))
                self._run(piece, kind.seconds / 4, Outcome.FAILED, error=error)
            else:
                if kind.stumbles_each and number % kind.stumbles_each == 0:
                    self._stumble(piece, kind)
                piece.result = kind.result(self.rng)
                self._run(piece, kind.seconds, Outcome.DONE)
            yield piece

    def broken(self) -> Iterator[Piece]:
        """What the bad release made of invoices."""
        for _ in range(BROKEN_INVOICES):
            at = self.now - BAD_FROM + (BAD_FROM - BAD_UNTIL) * self.rng.uniform(0.05, 0.9)
            piece = self._begun(
                "marketplace.generate_invoice_pdf", at, {"order_id": self.rng.randrange(1, 400)}
            )
            self._run(piece, 0.3, Outcome.FAILED, error=NO_VAT_ID)
            yield piece

    def to_retry(self) -> Iterator[Piece]:
        """Jobs that failed a moment ago, and are due again in some hours."""
        for hours in range(1, 4):
            at = self.now - ENDED * self.rng.uniform(0.5, 1)
            piece = self._begun("banking.sync_item", at, {"item_id": self.rng.randrange(1, 40)})
            self._run(piece, 2.0, Outcome.RETRIED, error=PLAID_DOWN)
            piece.state, piece.run_at = State.SCHEDULED, self.now + timedelta(hours=hours)
            yield piece

    def to_begin(self) -> Iterator[Piece]:
        """Jobs that wait for a worker, and for their time."""
        for hours, task in enumerate(HARMLESS, start=2):
            yield self._begun(task, self.now, {})
            later = self._begun(task, self.now, {})
            later.state, later.run_at = State.SCHEDULED, self.now + timedelta(hours=hours)
            yield later

    def _moments(self, kind: Kind) -> Iterator[datetime]:
        first, last = self.now - DAY, self.now - ENDED
        if kind.every is not None:
            moment = floor(first, kind.every) + kind.every
            while moment < last:
                yield moment
                moment += kind.every
            return
        for _ in range(kind.jobs):
            yield next(at for at in self._random_moments(first, last) if self.rng.random() < _BUSY[at.hour])

    def _random_moments(self, first: datetime, last: datetime) -> Iterator[datetime]:
        while True:
            yield first + (last - first) * self.rng.random()

    def _begun(
        self, task: str, at: datetime, arguments: dict[str, Any], *, is_scheduled: bool = False
    ) -> Piece:
        return Piece(
            id=self._id(at),
            task=task,
            arguments=arguments,
            accepted_at=at,
            state=State.READY,
            is_scheduled=is_scheduled,
        )

    def _id(self, at: datetime) -> str:
        """A UUID of version 7. Source: RFC 9562, section 5.7."""
        milliseconds, random = int(at.timestamp() * 1000), self.rng.getrandbits(74)
        return str(
            UUID(int=milliseconds << 80 | 7 << 76 | random >> 62 << 64 | 2 << 62 | random & (1 << 62) - 1)
        )

    def _stumble(self, piece: Piece, kind: Kind) -> None:
        worker = self._worker(piece.task)
        outcome = Outcome.LOST if "{}" in kind.stumbles_with else Outcome.RETRIED
        error = kind.stumbles_with.format(worker)
        self._run(piece, kind.seconds / 2, outcome, error=error, worker=worker)
        piece.run_at = piece.runs[-1].finished_at + RETRY_AFTER

    def _run(
        self,
        piece: Piece,
        seconds: float,
        outcome: Outcome,
        *,
        error: str | None = None,
        worker: str | None = None,
    ) -> None:
        wait = min(self.rng.expovariate(2.5), LONGEST_WAIT)
        lasts = min(seconds * self.rng.lognormvariate(0, 0.5), LONGEST_RUN)
        begin = (piece.run_at or piece.accepted_at) + timedelta(seconds=wait)
        run = Run(
            started_at=begin,
            finished_at=begin + timedelta(seconds=lasts),
            worker=worker or self._worker(piece.task),
            release=self._release(begin),
            outcome=outcome,
            error=error,
        )
        piece.runs.append(run)
        piece.state = State.DONE if outcome is Outcome.DONE else State.DEAD

    def _worker(self, task: str) -> str:
        queue = registry.spec_of(task).queue
        pool = next(pool for pool in POOLS if queue in pool.queues)
        return f"{pool.name}@{self.rng.choice(HOSTS)}"

    def _release(self, at: datetime) -> str:
        return BAD if BAD_FROM >= self.now - at >= BAD_UNTIL else GOOD
