"""How many usage events are counted per second, one by one and in batches.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.usage [--events N]

Starts a PostgreSQL at its usual durability. All events are of ten models and of this hour, so that those who
count at once want the same rows. Prints what one client reaches, and four at once, by the service and through
the API under gunicorn.
"""

from __future__ import annotations

import argparse
import itertools
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.domains.marketplace.usage import recording
from app.domains.marketplace.usage.models import Span, UsageCount, UsageKind
from app.domains.marketplace.usage.recording import Told
from app.settings.business_clock import business_now
from app.settings.config import settings
from app.settings.sources import PREFIX
from tests.bench import through_api
from tests.bench.measures import rate
from tests.domains.marketplace.market import add_model
from tests.servers import PostgresServer, RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

MODELS = 10
BATCHES = (1, 10, 100, 1_000)
CLIENTS = (1, 4)
#: So few come one by one, and so many batches at most.
MAX_CALLS = 500
_NUMBERS = itertools.count()


def batch(size: int) -> list[dict[str, Any]]:
    """So many new events."""
    kinds = tuple(UsageKind)
    return [
        {
            "id": f"{number:032x}",
            "model_id": number % MODELS + 1,
            "kind": kinds[number % len(kinds)],
        }
        for number in itertools.islice(_NUMBERS, size)
    ]


def by_service(events: list[dict[str, Any]]) -> None:
    """Count a batch in a transaction."""
    with transaction() as session:
        recording.take(session, [Told(**one, happened_at=None) for one in events], now=business_now())


def by_api(client: httpx.Client, events: list[dict[str, Any]]) -> None:
    """Count a batch in a request."""
    client.post("/marketplace/usage/events", json={"events": events}).raise_for_status()


def measured(send: Callable[[list[dict[str, Any]]], None], *, size: int, events: int, clients: int) -> float:
    """Events per second, in batches of `size`."""
    batches = [batch(size) for _ in range(min(events // size, MAX_CALLS))]
    send(batch(size))
    with ThreadPoolExecutor(clients) as pool:
        return rate(len(batches) * size, lambda: list(pool.map(send, batches)))


def compare(doors: Sequence[tuple[str, Callable[[list[dict[str, Any]]], None]]], *, events: int) -> None:
    """Print events per second by batch size, and the ratio to one by one."""
    print(f"{'events/s in batches of':<28}" + "".join(f"{size:>18,}" for size in BATCHES))
    for name, send in doors:
        for clients in CLIENTS:
            found = [measured(send, size=size, events=events, clients=clients) for size in BATCHES]
            shown = "".join(f"{f'{one:,.0f} ({one / found[0]:.1f})':>18}" for one in found)
            print(f"{f'{name}, {clients} at once':<28}{shown}")


def main() -> None:
    """Start the servers, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=50_000)
    given = parser.parse_args()
    with ExitStack() as stack:
        servers = (PostgresServer(settings=()), RedisServer())
        for server in servers:
            stack.callback(server.close)
            server.start()
        servers[0].execute("CREATE DATABASE bench")
        values = {
            "secret_key": secrets.token_urlsafe(32),
            "database_url": servers[0].url("bench"),
            "redis_url": servers[1].url,
        }
        os.environ.update({f"{PREFIX}{name.upper()}": value for name, value in values.items()})
        settings.cache_clear()
        revisions.upgrade()
        for _ in range(MODELS):
            add_model()
        client = stack.enter_context(through_api.served())
        compare([("service", by_service), ("API", partial(by_api, client))], events=given.events)
        with reading() as session:
            hours = select(func.sum(UsageCount.count)).where(UsageCount.span == Span.HOUR)
            assert session.scalar(hours) == next(_NUMBERS)


if __name__ == "__main__":
    main()
