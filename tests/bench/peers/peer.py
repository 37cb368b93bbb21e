"""What is asked of every peer, and how it is measured."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import redis

from tests.bench import measures

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The kinds of jobs, by the names of their functions.
NOTHING, NAP, ARRIVE = "nothing", "nap", "arrive"


@cache
def broker() -> redis.Redis:
    """The Redis of this run."""
    return redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])


def note_arrival(sent: float) -> None:
    """Note how long it took from being sent to being run."""
    waited = time.time() - sent
    broker().rpush("arrivals", waited)


class Peer(ABC):
    """A task queue, as seen by the process that sends and counts."""

    worker: ClassVar[list[str]]
    workers: ClassVar[int] = 1
    #: One process that runs a hundred jobs at a time, where there is such a thing.
    waiter: ClassVar[list[str]] = []
    #: Whether it has a call that takes many jobs.
    has_batches: ClassVar[bool] = True

    @abstractmethod
    def empty(self) -> None:
        """No job is left, nor was there ever one."""

    @abstractmethod
    def send(self, name: str, *, times: int = 1, arguments: Sequence[float] = ()) -> None:
        """Accept jobs one by one."""

    @abstractmethod
    def send_batches(self, name: str, *, jobs: int) -> None:
        """Accept jobs a thousand at once, or as the peer can."""

    @abstractmethod
    def left(self) -> int:
        """How many jobs are not done."""


class OnRedis(Peer):
    """A peer that keeps its jobs in Redis alone."""

    def empty(self) -> None:
        broker().flushall()


def measured(peer: Peer, *, jobs: int) -> dict[str, float]:
    """One round's figures by name."""
    figures = {"accepted/s, one by one": _accepted_one_by_one(peer)}
    at_once = _filled(peer, NOTHING, jobs=jobs)
    if peer.has_batches:
        figures["accepted/s, 1,000 at once"] = at_once
    figures["drained/s"] = measures.drained_per_second(
        peer.worker, jobs=jobs, left=peer.left, workers=peer.workers
    )
    peer.empty()
    figures |= measures.latencies(
        peer.worker,
        send=lambda sent: peer.send(ARRIVE, arguments=[sent]),
        broker=broker(),
        workers=peer.workers,
    )
    if peer.waiter:
        _filled(peer, NAP, jobs=jobs)
        figures["5 ms bodies/s, 100 at once"] = measures.drained_per_second(
            peer.waiter, jobs=jobs, left=peer.left
        )
    return figures


def _accepted_one_by_one(peer: Peer) -> float:
    peer.empty()
    peer.send(NOTHING, times=measures.UNCOUNTED_JOBS)
    return measures.rate(measures.ONE_BY_ONE, lambda: peer.send(NOTHING, times=measures.ONE_BY_ONE))


def _filled(peer: Peer, name: str, *, jobs: int) -> float:
    """Nothing but so many jobs; how many a second were accepted."""
    peer.empty()
    peer.send_batches(name, jobs=measures.UNCOUNTED_JOBS)
    peer.empty()
    return measures.rate(jobs, lambda: peer.send_batches(name, jobs=jobs))
