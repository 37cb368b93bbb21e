"""Measures non-durable tasks: Groundwork's Celery without the ledger."""

from __future__ import annotations

import json
import sys

from app.db.migrations import revisions
from app.settings.config import settings
from tests.bench import drain_ledger, measures, tasks


def main(jobs: int) -> dict[str, float]:
    revisions.upgrade()
    drain_ledger.accept_one_by_one(tasks.nothing_light, measures.UNCOUNTED_JOBS)
    drain_ledger.clean()
    accepted = drain_ledger.accept_one_by_one(tasks.nothing_light, measures.ONE_BY_ONE)
    drain_ledger.clean()
    drain_ledger.accept_one_by_one(tasks.nothing_light, jobs)
    unacked = f"{settings().redis_prefix}unacked"
    drained = measures.drained_per_second(
        drain_ledger.WORKER,
        jobs=jobs,
        left=drain_ledger.left,
        all_done=lambda: not drain_ledger.left() and not drain_ledger.broker().hlen(unacked),
        workers=drain_ledger.COUNT,
    )
    return {"accepted/s, one by one": accepted, "drained/s": drained}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
