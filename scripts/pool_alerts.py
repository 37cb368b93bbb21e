"""Makes the alerts of the pools out of `app/topology.py`: no workers, and jobs that wait too long.

A pool whose workers are gone has no series any more, so each is asked for by its name. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.topology import POOLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.topology import Pool

#: Jobs may wait so long in a pool that no `--wait` names.
WAIT_SECONDS = {"standard": 60.0, "outside": 60.0}
OTHER_WAIT_SECONDS = 900.0
#: Up to these, waits are counted.
BOUNDS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
#: Jobs that wait longer, of a hundred; a burn of 14.4 times that spends a month's budget in two days.
BUDGET, BURN = 0.01, 14.4
#: Only while somebody can be asked: else it is told that nobody can.
IS_ASKED = 'on () count(up{job="groundwork"} == 1) > 0'


class NotAWait(ValueError):
    """Raised for a `--wait` that names no pool, or no bound of the counters."""

    def __init__(self, *, given: str) -> None:
        pools = ", ".join(pool.name for pool in POOLS)
        bounds = ", ".join(f"{bound:g}" for bound in BOUNDS)
        super().__init__(
            f"--wait {given!r} is not POOL=SECONDS: the pools are {pools}, "
            f"and waits are counted up to {bounds} s."
        )


def rules(waits: Mapping[str, float], *, pools: Sequence[Pool] = POOLS) -> dict[str, Any]:
    """The alerts of all pools, whose jobs may wait so many seconds."""
    alerts = [alert for pool in pools for alert in _alerts(pool, seconds=_wait(pool, waits))]
    return {"groups": [{"name": "groundwork-pools", "rules": alerts}]}


def _wait(pool: Pool, waits: Mapping[str, float]) -> float:
    return waits.get(pool.name, WAIT_SECONDS.get(pool.name, OTHER_WAIT_SECONDS))


def _alerts(pool: Pool, *, seconds: float) -> list[dict[str, Any]]:
    queues = f'queue=~"{"|".join(pool.queues)}"'
    return [
        {
            "alert": "NoWorkers",
            "expr": f'absent(groundwork_workers{{node=~"{pool.name}@.*"}}) and {IS_ASKED}',
            "for": "2m",
            "labels": {"severity": "page", "pool": pool.name},
            "annotations": {
                "summary": f"No worker of the pool {pool.name} is heard of.",
                "fix": f"Read `systemctl status groundwork-worker@{pool.name}` on the hosts with workers.",
            },
        },
        {
            "alert": "QueueLatency",
            "expr": f"max without (instance) (groundwork_queue_oldest_ready_seconds{{{queues}}}) > {seconds}"
            " unless on (queue) max without (instance) (groundwork_queue_paused_seconds)",
            "for": "5m",
            "labels": {"severity": "ticket", "pool": pool.name},
            "annotations": {
                "summary": "The oldest job in {{ $labels.queue }} has waited for "
                "{{ $value | humanizeDuration }}.",
                "fix": f"See what workers of {pool.name} do; it may need more, or long tasks another pool.",
            },
        },
        {
            "alert": "WaitBudget",
            "expr": " and ".join(_share(queues, seconds=seconds, window=window) for window in ("1h", "5m")),
            "for": "2m",
            "labels": {"severity": "ticket", "pool": pool.name},
            "annotations": {
                "summary": "{{ $value | humanizePercentage }} of the jobs"
                f" of {pool.name} wait for over {seconds:g} s.",
                "fix": "See which tasks take its processes; it may need more, or they another pool.",
            },
        },
    ]


def _share(queues: str, *, seconds: float, window: str) -> str:
    """Whether too many of the jobs that began within the window had waited longer."""
    within, all_of_them = (
        f'groundwork_job_wait_seconds_bucket{{{queues},le="{le}"}}' for le in (seconds, "+Inf")
    )
    counted = "sum(max without (instance) (increase({}[{}])))".format
    return f"1 - {counted(within, window)} / {counted(all_of_them, window)} > {BUDGET * BURN:g}"


def waits_of(given: Sequence[str]) -> dict[str, float]:
    """What `--wait` says, by pool. Raises `NotAWait`."""
    waits = {}
    for text in given:
        name, _, seconds = text.partition("=")
        bound = next((bound for bound in BOUNDS if f"{bound:g}" == seconds), None)
        if bound is None or name not in {pool.name for pool in POOLS}:
            raise NotAWait(given=text)
        waits[name] = bound
    return waits


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/alerts",
        description="Print the alerts of the pools as Prometheus reads them.",
        epilog="Example: scripts/alerts --wait bulk=3600 > pools.yml",
    )
    parser.add_argument(
        "--wait",
        action="append",
        default=[],
        metavar="POOL=SECONDS",
        help="jobs of this pool may wait so long; standard=60, outside=60, and 900 for the others",
    )
    try:
        made = rules(waits_of(parser.parse_args().wait))
    except NotAWait as error:
        sys.exit(f"scripts/alerts: {error}")
    # JSON is YAML, too.
    print(f"# Made by scripts/alerts.\n{json.dumps(made, indent=2)}")


if __name__ == "__main__":
    main()
