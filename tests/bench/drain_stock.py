"""Measures plain Celery."""

from __future__ import annotations

import json
import sys

import redis

from tests.bench import measures, stock
from tests.bench.contenders import PROCESSES

WORKER = ["celery", "-A", "tests.bench.stock", "worker", "-c", str(PROCESSES), "-l", "WARNING"]
WORKER += ["--without-gossip", "--without-mingle"]


def main(jobs: int) -> dict[str, float]:
    broker = redis.Redis.from_url(stock.REDIS_URL)
    for _ in range(measures.UNCOUNTED_JOBS):
        stock.nothing.delay()
    broker.flushall()
    accepted = measures.rate(jobs, lambda: [stock.nothing.delay() for _ in range(jobs)])
    drained = measures.drained_per_second(
        WORKER,
        jobs=jobs,
        left=lambda: int(broker.llen("celery")),
        all_done=lambda: not broker.llen("celery") and not broker.hlen("unacked"),
    )
    waited = measures.latencies(WORKER, send=stock.arrive.delay, broker=broker)
    return {"accepted/s": accepted, "drained/s": drained, **waited}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
