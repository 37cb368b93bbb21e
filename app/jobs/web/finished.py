"""The metrics of finished work: what `roll_up` has summed, and up to when."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from sqlalchemy import select

from app.jobs.declaration import registry
from app.jobs.ledger.models import TERMINAL, JobStat, Outcome
from app.jobs.statistics.buckets import BOUNDS, name_of
from app.jobs.statistics.sums import ATTEMPT, FINISHED, RUN, WAIT
from app.jobs.transitions.rollup import WATERMARK
from app.jobs.web.families import LABELS, gauge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric
    from sqlalchemy.orm import Session

MICROSECONDS = 1_000_000


def families(session: Session) -> Iterator[Metric]:
    """Ended jobs and attempts, how long they took, and the end of what is summed."""
    stats: defaultdict[str, list[JobStat]] = defaultdict(list)
    for stat in session.scalars(select(JobStat)):
        stats[stat.kind].append(stat)
    yield _counter("jobs_finished", "Jobs that ended.", "state", sorted(TERMINAL), stats[FINISHED])
    yield _counter("attempts", "Attempts that ended.", "outcome", Outcome, stats[ATTEMPT])
    yield _histogram("job_run_seconds", "How long attempts ran.", stats[RUN])
    yield _histogram("job_wait_seconds", "Time from due to the start of the last attempt.", stats[WAIT])
    counted = [((), stat.count / MICROSECONDS) for stat in stats[WATERMARK]]
    yield gauge("rolled_up_timestamp_seconds", "Up to when ends are in the counters.", (), counted)


def _counter(name: str, text: str, label: str, ends: Iterable[str], stats: Iterable[JobStat]) -> Metric:
    family = CounterMetricFamily(f"groundwork_{name}", text, labels=(label, *LABELS))
    # From 0 on: of a series that begins with its first end, Prometheus sees no increase.
    counts = {(end, task, queue): 0 for task, queue in _durable() for end in ends}
    counts |= {(stat.bucket, stat.task, stat.queue): stat.count for stat in stats}
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _durable() -> list[tuple[str, str]]:
    return [(spec.name, spec.queue.value) for spec in registry.tasks().values() if spec.durable]


def _histogram(name: str, text: str, stats: Iterable[JobStat]) -> Metric:
    family = HistogramMetricFamily(f"groundwork_{name}", text, labels=LABELS)
    series: defaultdict[tuple[str, str], dict[str, JobStat]] = defaultdict(dict)
    for stat in stats:
        series[stat.task, stat.queue][stat.bucket] = stat
    for labels, by_bound in series.items():
        total, buckets = 0, []
        for bound in [*BOUNDS, math.inf]:
            name = name_of(bound)
            total += by_bound[name].count if name in by_bound else 0
            buckets.append((_le(bound), float(total)))
        family.add_metric(labels, buckets, sum(stat.seconds for stat in by_bound.values()))
    return family


def _le(bound: float) -> str:
    """A bound as Prometheus writes it."""
    return "+Inf" if bound == math.inf else str(float(bound))
