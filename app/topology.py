"""The fleet: which queues exist, which pools drain them, which services run. Standard library only.

`python3 -m app.topology` prints it as JSON, so that a controller without the application's
dependencies can read it. Celery, the worker command, Ansible, the supervisor configuration and the
README tables all learn the fleet from here.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from enum import IntEnum, StrEnum


class Queue(StrEnum):
    """A named broker queue; it belongs to a domain. `DEFAULT` takes tasks that name no other."""

    DEFAULT = "default"
    DISCOUNTS = "discounts"
    MAINTENANCE = "maintenance"
    ANALYTICS = "analytics"
    EMAILS = "emails"
    NOTIFICATIONS = "notifications"
    BANKING = "banking"
    INVOICES = "invoices"
    TIME_CAPTURE = "time_capture"
    INTEGRATIONS = "integrations"
    AUDIT = "audit"
    MODELS = "models"
    REPORTS = "reports"


class Priority(IntEnum):
    """Urgency inside one queue, as the number Redis understands: 0 is the most urgent.

    The four values are the lists that kombu's Redis transport keeps for a queue.
    """

    URGENT = 0
    HIGH = 3
    NORMAL = 6
    LOW = 9


class Kind(StrEnum):
    """What a pool runs its jobs in, as Celery calls it."""

    #: Processes: for work that computes, and for code that may crash.
    PREFORK = "prefork"
    #: Threads of one process: for work that waits for others, many jobs at a time in the memory of one.
    THREADS = "threads"


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A worker instance: the queues it drains, most urgent first, and how many jobs it runs at a time."""

    name: str
    queues: tuple[Queue, ...]
    concurrency: int
    description: str
    kind: Kind = Kind.PREFORK


@dataclass(frozen=True, kw_only=True)
class Service:
    """A long-lived process; `instances` are the names its unit template is started with."""

    name: str
    unit: str
    description: str
    #: The group of the inventory whose hosts run it.
    group: str
    instances: tuple[str, ...] = ()
    #: How the names of settings begin that no other service reads: a change of them restarts this one alone.
    own_settings: str = ""


POOLS = (
    Pool(
        name="standard",
        queues=(Queue.DEFAULT, Queue.DISCOUNTS, Queue.AUDIT),
        concurrency=3,
        description="work that somebody waits for",
    ),
    Pool(
        name="outside",
        queues=(
            Queue.EMAILS,
            Queue.NOTIFICATIONS,
            Queue.BANKING,
            Queue.INTEGRATIONS,
            Queue.TIME_CAPTURE,
        ),
        kind=Kind.THREADS,
        concurrency=16,
        description="work that waits for others: mail, push, banks, calendars",
    ),
    Pool(
        name="bulk",
        queues=(
            Queue.INVOICES,
            Queue.MODELS,
            Queue.ANALYTICS,
            Queue.REPORTS,
            Queue.MAINTENANCE,
        ),
        # One may push an image for an hour, and another scan one.
        concurrency=3,
        description="work that may take its time",
    ),
)

#: In the order in which a deploy changes them: workers take a new release's jobs before the API accepts any,
#: and beat, which sends them, is last.
SERVICES = (
    Service(
        name="worker",
        unit="groundwork-worker@.service",
        description="Celery workers, one instance per pool",
        group="workers",
        instances=tuple(pool.name for pool in POOLS),
    ),
    Service(
        name="api",
        unit="groundwork-api.service",
        description="the HTTP API under gunicorn",
        group="api",
    ),
    Service(
        name="flower",
        unit="groundwork-flower.service",
        description="Celery's own dashboard",
        group="api",
        own_settings="flower_",
    ),
    Service(
        name="beat",
        unit="groundwork-beat.service",
        description="the scheduler: schedules, due jobs, recovery",
        group="beat",
    ),
)


class UnknownPool(LookupError):
    """Raised when a worker is asked for by a name that is no pool."""

    def __init__(self, *, name: str) -> None:
        known = ", ".join(pool.name for pool in POOLS)
        super().__init__(f'There is no pool "{name}". The pools are: {known}.')


def pool_named(name: str) -> Pool:
    """The pool called `name`."""
    for pool in POOLS:
        if pool.name == name:
            return pool
    raise UnknownPool(name=name)


def drained_queues() -> frozenset[Queue]:
    """The queues that at least one pool drains."""
    return frozenset(queue for pool in POOLS for queue in pool.queues)


def topology() -> dict[str, object]:
    """The whole fleet as plain data."""
    return {
        "queues": [queue.value for queue in Queue],
        "pools": [asdict(pool) for pool in POOLS],
        "services": [asdict(service) for service in SERVICES],
    }


if __name__ == "__main__":
    json.dump(topology(), sys.stdout, indent=2)
    sys.stdout.write("\n")
