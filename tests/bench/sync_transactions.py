"""How long a sync of many transactions takes, and what memory it needs.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.sync_transactions [--transactions N]

Starts a PostgreSQL at its usual durability and a Plaid of its own that makes its pages as they are asked
for, both beside the process that syncs. Prints 10,000 and the number given (100,000) side by side.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.domains.banking import service
from app.domains.banking.facts import Grant
from app.domains.banking.models import Household, Transaction
from app.domains.banking.plaid.client import take_turn
from app.domains.banking.sync import resuming
from app.settings.config import settings
from app.settings.sources import PREFIX
from tests.checkpoints import committing
from tests.fakes.plaid import CLIENT_ID, SECRET, FakePlaid
from tests.servers import PostgresServer, RedisServer

if TYPE_CHECKING:
    from app.domains.banking.facts import SyncStats

SMALL, LARGE = 10_000, 100_000
KIB_PER_MIB = 1024


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One sync: how long it took, and the syncing process's memory before and at most, in MiB."""

    transactions: int
    pages: int
    seconds: float
    connected: float
    peak: float


def linked(plaid: FakePlaid, *, transactions: int) -> int:
    """An item with so many transactions at the bank and none here."""
    item = plaid.bank.new_item()
    item.history.fill(account_id=item.account.id, count=transactions)
    now = datetime.now(UTC)
    with transaction() as session:
        home = Household(name="Home", currency="USD", created_at=now)
        session.add(home)
        session.flush()
        grant = Grant(item_id=item.id, access_token=item.access_token)
        return service.store_item(
            session, household_id=home.id, grant=grant, institution="Bank", accounts=(), now=now
        ).id


def _peak() -> float:
    """The most memory this process held, in MiB. `ru_maxrss` would begin with the size of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / KIB_PER_MIB


def _sync(item_id: int) -> SyncStats:
    with Session(engine(), expire_on_commit=False) as session:
        stats = resuming.sync_item(
            session,
            item_id=item_id,
            take_turn=take_turn,
            job_id="bench",
            commit=committing(session),
            now=datetime.now(UTC),
        )
        session.commit()
        return stats


def _connect(warm_item: int) -> float:
    """Sync an item of one page, so that the connection and plaid-python are there; the memory then."""
    _sync(warm_item)
    return _peak()


def _timed_sync(item_id: int) -> tuple[SyncStats, float, float]:
    began = time.perf_counter()
    stats = _sync(item_id)
    return stats, time.perf_counter() - began, _peak()


def measure(plaid: FakePlaid, *, transactions: int) -> Measured:
    """Sync so many transactions in a process of its own."""
    warm, item_id = linked(plaid, transactions=1), linked(plaid, transactions=transactions)
    with reading() as session:
        before = session.scalar(select(func.count()).select_from(Transaction)) or 0
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        connected = pool.apply(_connect, (warm,))
        stats, seconds, peak = pool.apply(_timed_sync, (item_id,))
    with reading() as session:
        after = session.scalar(select(func.count()).select_from(Transaction)) or 0
    assert after - before == transactions + 1
    return Measured(
        transactions=stats.put, pages=stats.pages, seconds=seconds, connected=connected, peak=peak
    )


def compare(plaid: FakePlaid, *, most: int) -> None:
    """Print what a small and a large sync take, side by side."""
    found = [measure(plaid, transactions=count) for count in (SMALL, most)]
    print(f"{'transactions':<28}" + "".join(f"{one.transactions:>12,}" for one in found))
    print(f"{'pages':<28}" + "".join(f"{one.pages:>12,}" for one in found))
    print(f"{'seconds':<28}" + "".join(f"{one.seconds:>12.1f}" for one in found))
    print(f"{'MiB after one page':<28}" + "".join(f"{one.connected:>12.0f}" for one in found))
    print(f"{'MiB at most (VmHWM)':<28}" + "".join(f"{one.peak:>12.0f}" for one in found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--transactions", type=int, default=LARGE)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with ExitStack() as stack:
        server = PostgresServer(settings=())
        stack.callback(server.close)
        server.start()
        server.execute("CREATE DATABASE bench")
        # Storing an item asks for its first sync, which is published though nobody here takes it.
        redis = RedisServer()
        stack.callback(redis.close)
        redis.start()
        plaid = stack.enter_context(FakePlaid())
        values = {
            "secret_key": secrets.token_urlsafe(32),
            "database_url": server.url("bench"),
            "redis_url": redis.url,
            "plaid_environment": plaid.url,
            "plaid_client_id": CLIENT_ID,
            "plaid_secret": SECRET,
            "plaid_per_minute": "100000",
        }
        os.environ.update({f"{PREFIX}{name.upper()}": value for name, value in values.items()})
        settings.cache_clear()
        revisions.upgrade()
        compare(plaid, most=given.transactions)


if __name__ == "__main__":
    main()
