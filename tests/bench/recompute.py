"""How long a recompute takes with one and with several processes, and what memory it needs.

    python -m tests.bench.recompute [--batches 100000] [--processes 4] [--database-url postgresql://...]

Without a database URL a PostgreSQL server is started for the run, at its usual durability. A given
database is migrated and EMPTIED of products and batches. Needs redis-server for the run through workers.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import secrets
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert, text

from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.domains.pricing import service, sweep
from app.domains.pricing.facts import KeyRange, Stats
from app.domains.pricing.models import InventoryBatch, Product
from app.domains.pricing.rules.file import current_rules
from tests.fleet import Fleet
from tests.servers import PostgresServer, RedisServer

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS = 30
PRODUCTS = 5_000
#: As the tasks cut the work.
PART, CHUNK = 5_000, 500
SMALL, LARGE = 10_000, 100_000
KIB_PER_MIB = 1024


def fill(count: int) -> None:
    """Make `count` batches that all lie in the window, a twentieth of them overstocked."""
    draw = random.Random(7)
    now = datetime.now(UTC)
    with transaction() as session:
        session.execute(
            text("TRUNCATE price_history, batch_discount, inventory_batch, product RESTART IDENTITY")
        )
        session.execute(insert(Product), [_product(number, draw, now) for number in range(PRODUCTS)])
        for begin in range(0, count, 10_000):
            numbers = range(begin, min(begin + 10_000, count))
            session.execute(insert(InventoryBatch), [_batch(number, draw, now) for number in numbers])
        session.execute(text("ANALYZE"))


def _product(number: int, draw: random.Random, now: datetime) -> dict[str, object]:
    category = draw.choice(["dairy", "meat", "bakery", "produce", "toys"])
    price = Decimal(draw.randint(50, 5000)).scaleb(-2)
    known = {"sku": f"S{number}", "name": "Thing", "category": category, "currency": "EUR"}
    return {**known, "base_price": price, "updated_at": now}


def _batch(number: int, draw: random.Random, now: datetime) -> dict[str, object]:
    quantity = draw.randint(1, 120) if draw.random() < 0.95 else draw.randint(200, 900)
    expiry = now.date() + timedelta(days=draw.randint(0, DAYS))
    known = {"code": f"B{number}", "product_id": draw.randint(1, PRODUCTS), "quantity": quantity}
    return {**known, "expiry_date": expiry, "received_on": None, "updated_at": now}


def forget_discounts() -> None:
    with transaction() as session:
        session.execute(text("TRUNCATE batch_discount"))


def price(keys: KeyRange) -> Stats:
    """One part, in whichever process."""
    return sweep.recompute(
        transaction=transaction,
        rules=current_rules(),
        days_threshold=DAYS,
        chunk_size=CHUNK,
        keys=keys,
        report=lambda _progress: None,
    )


def _peak() -> int:
    """The most memory this process held, in KiB. `ru_maxrss` would begin with the size of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _connect(*_: object) -> int:
    with reading() as session:
        session.execute(text("SELECT 1"))
    current_rules()
    return _peak()


def _price_and_weigh(keys: KeyRange) -> tuple[Stats, int]:
    return price(keys), _peak()


def by_processes(processes: int) -> tuple[float, Stats]:
    """Seconds that `processes` connected processes need, taking parts of the window in turn."""
    with reading() as session:
        ranges = service.key_ranges(session=session, days_threshold=DAYS, size=PART, now=datetime.now(UTC))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(_connect, range(processes * 4))
        began = time.perf_counter()
        stats = sum(pool.imap_unordered(price, ranges), Stats())
        return time.perf_counter() - began, stats


def peak_memory(count: int) -> tuple[float, float]:
    """MiB that a process holds when connected, and at most while it prices `count` batches."""
    fill(count)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before = pool.apply(_connect)
        stats, peak = pool.apply(_price_and_weigh, (KeyRange(),))
    assert stats.examined == count
    return before / KIB_PER_MIB, peak / KIB_PER_MIB


def through_workers(processes: int) -> tuple[float, dict[str, int]]:
    """Seconds from the acceptance of a parallel recompute to its end, with that many worker processes."""
    from app.domains.pricing import tasks  # importing them reads the settings

    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder))
        try:
            fleet.start_worker(queues="discounts", processes=processes)
            tasks.compute_single_batch_discount.delay(1).get(timeout=60)
            began = time.perf_counter()
            stats = tasks.parallel_recompute_discounts.delay(days_threshold=DAYS).get(
                timeout=600, interval=0.05
            )
            return time.perf_counter() - began, stats
        finally:
            fleet.close()


def compare(count: int, *, processes: int) -> None:
    """Print the seconds of one and of several processes side by side."""
    fill(count)
    print(f"{count} batches, all within {DAYS} days, {CHUNK} per transaction, {os.cpu_count()} cores")
    print(f"{'':34}{'1 process':>12}{f'{processes} processes':>14}{'ratio':>8}")
    for name, run in (("the service", by_processes), ("real workers, accepted to done", through_workers)):
        first, again = [], []
        for number in (1, processes):
            forget_discounts()
            first.append(run(number)[0])
            again.append(run(number)[0])
        _line(f"{name}, all new", first)
        _line(f"{name}, again", again)


def _line(name: str, seconds: Sequence[float]) -> None:
    print(f"{name:<40}{seconds[0]:>6.2f} s{seconds[1]:>12.2f} s{seconds[0] / seconds[1]:>8.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batches", type=int, default=LARGE)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--database-url", help="a PostgreSQL that may be emptied")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with ExitStack() as stack:
        redis = RedisServer()
        stack.callback(redis.close)
        redis.start()
        os.environ["GROUNDWORK_SECRET_KEY"] = secrets.token_urlsafe(32)
        os.environ["GROUNDWORK_REDIS_URL"] = redis.url
        os.environ["GROUNDWORK_DATABASE_URL"] = given.database_url or _server(stack)
        revisions.upgrade()
        compare(given.batches, processes=given.processes)
        for count in (SMALL, LARGE):
            before, peak = peak_memory(count)
            print(f"memory at {count:>7} batches: {before:.0f} MiB connected, {peak:.0f} MiB at most")


def _server(stack: ExitStack) -> str:
    server = PostgresServer(settings=())
    stack.callback(server.close)
    server.start()
    server.execute("CREATE DATABASE bench")
    return server.url("bench")


if __name__ == "__main__":
    main()
