"""The metrics of the ledger and its broker, read when they are asked for."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import func, literal_column, select, union_all

from app.db.clock import clock
from app.db.sessions import reading
from app.jobs.broker.current import broker
from app.jobs.ledger.models import Job, State, Worker
from app.jobs.ledger.states import NOT_HELD, in_state
from app.jobs.transitions.overdue import count_overdue
from app.jobs.transitions.recover import broker_lists
from app.jobs.web import finished
from app.jobs.web.families import LABELS, gauge
from app.packages import modules
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prometheus_client.metrics_core import Metric
    from sqlalchemy.orm import Session

    from app.jobs.transitions.recover import BrokerList

CONTENT_TYPE = CONTENT_TYPE_LATEST
#: Done and cancelled jobs are many and only counted as they finish.
COUNTED = (State.SCHEDULED, State.RUNNING, State.DEAD)


class _Shared:
    """The last look of this process. One is under way at a time, and those who wait for the next share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._began = -math.inf
        self._text = b""

    def text(self) -> bytes:
        """What a look found that began after this was asked."""
        asked = time.monotonic()
        with self._lock:
            if self._began <= asked:
                began = time.monotonic()
                self._text = render()
                self._began = began
            return self._text


shared = _Shared()


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(LedgerCollector())
    return generate_latest(registry)


class LedgerCollector(Collector):
    """Nothing is kept in this process, so every API process tells the same."""

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: it would ask the database for it."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every metric, from one look at the database and one at the broker."""
        lists = broker_lists()
        with reading() as session:
            ready = _ready(session)
            jobs = [*_announce(session), *(((State.READY.value, *one.labels), one.jobs) for one in ready)]
            yield gauge("jobs", "Jobs by state.", ("state", *LABELS), jobs)
            yield gauge("queue_oldest_ready_seconds", "Age of the oldest due job.", ("queue",), _ages(ready))
            held = ((one.labels, one.held) for one in ready if one.held)
            yield gauge("jobs_held", "Jobs that wait for their turn in a partition.", LABELS, held)
            overdue = count_overdue(session, lists)
            yield gauge(
                "jobs_overdue", "Accepted jobs that are overdue. Must be 0.", ("reason",), overdue.items()
            )
            yield from _workers(session)
            yield gauge(
                "worker_heartbeat_age_seconds",
                "Since a worker's heartbeat was last written.",
                ("node", "release"),
                _heartbeats(session),
            )
            for module in modules("metrics"):
                if module.__name__ != __name__:
                    yield from module.families(session)
            yield from finished.families(session)
        yield gauge("build_info", "The release that answers.", ("release",), [(settings().release, 1)])
        yield gauge("broker_up", "Whether the broker answers.", (), [((), int(lists is not None))])
        yield gauge("queue_messages", "Messages in the broker.", ("queue", "priority"), _depths(lists or ()))
        if lists is not None:
            yield from _quarantine()


def _announce(session: Session) -> Iterator[tuple[tuple[str, ...], int]]:
    # One SELECT a state, for its partial index to serve.
    counts: list[Any] = [
        select(literal_column(f"'{state.value}'").label("state"), Job.task, Job.queue, func.count())
        .where(in_state(state))
        .group_by(Job.task, Job.queue)
        for state in COUNTED
    ]
    for state, task, queue, count in session.execute(union_all(*counts)):
        yield (state, task, queue), count


class _Ready(NamedTuple):
    """The ready jobs of a task in a queue: all, those held, and the age of the oldest that is not."""

    labels: tuple[str, str]
    jobs: int
    held: int
    oldest_seconds: float | None


def _ready(session: Session) -> list[_Ready]:
    """All that is told of ready jobs, from one look at them: there may be a million."""
    due = func.coalesce(Job.run_at, Job.accepted_at)
    counts = (func.count(), func.count().filter(~NOT_HELD), func.min(due).filter(NOT_HELD), clock())
    found = select(Job.task, Job.queue, *counts).where(in_state(State.READY)).group_by(Job.task, Job.queue)
    return [
        _Ready((task, queue), count, held, None if first is None else max((now - first).total_seconds(), 0.0))
        for task, queue, count, held, first, now in session.execute(found)
    ]


def _ages(ready: Iterable[_Ready]) -> Iterable[tuple[str, float]]:
    ages: defaultdict[str, float] = defaultdict(float)
    for one in ready:
        if one.oldest_seconds is not None:
            ages[one.labels[1]] = max(ages[one.labels[1]], one.oldest_seconds)
    return ages.items()


def _workers(session: Session) -> Iterator[Metric]:
    alive = ~Worker.signed_off & (Worker.seen_at > clock(-settings().lease_seconds))
    counts = select(Worker.node, Worker.release, func.count(), func.sum(Worker.concurrency)).where(alive)
    found = session.execute(counts.group_by(Worker.node, Worker.release)).all()
    labels = ("node", "release")
    workers = [((node, release), workers) for node, release, workers, _ in found]
    yield gauge("workers", "Workers with a recent heartbeat.", labels, workers)
    processes = [((node, release), processes) for node, release, _, processes in found]
    yield gauge("worker_processes", "How many jobs those workers run at a time.", labels, processes)


def _heartbeats(session: Session) -> Iterator[tuple[tuple[str, str], float]]:
    """Of the worker last heard of, where several ran on a node: it has taken over from the others."""
    last = select(Worker.node, Worker.release, func.max(Worker.seen_at), clock()).where(~Worker.signed_off)
    for node, release, seen, now in session.execute(last.group_by(Worker.node, Worker.release)):
        yield (node, release), max((now - seen).total_seconds(), 0.0)


def _depths(lists: Sequence[BrokerList]) -> Iterator[tuple[tuple[str, str], int]]:
    for found in lists:
        yield (found.queue.value, found.step.name.lower()), found.length


def _quarantine() -> Iterator[Metric]:
    held = broker().quarantined()
    yield gauge(
        "quarantine_messages",
        "Entries of queues that are not messages, in quarantine.",
        (),
        [((), held.kept)],
    )
    if held.total is not None:
        total = CounterMetricFamily("groundwork_messages_put_aside", "Entries that were ever quarantined.")
        total.add_metric([], held.total)
        yield total
