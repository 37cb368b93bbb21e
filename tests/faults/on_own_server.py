"""A service on a database server of its own, which a test may restart, halt or fill."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.db.engine import dispose_engine
from app.db.sessions import transaction
from app.jobs.ledger import store
from tests.conftest import configured
from tests.fleet import Fleet
from tests.jobs.conftest import SAMPLES, point_celery_at_broker
from tests.servers import TEMPLATE, PostgresServer, RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fleet import Process


@contextmanager
def worker_on(server: PostgresServer, folder: Path, *, processes: int) -> Iterator[Process]:
    """A worker and a beat, whose leases and recovery are short."""
    redis = RedisServer()
    redis.start()
    values = {
        "database_url": server.url(TEMPLATE),
        "redis_url": redis.url,
        "lease_seconds": "4",
        "recover_seconds": "1",
        "lost_after_seconds": "2",
        "soft_shutdown_seconds": "1",
    }
    with configured(folder, **values):
        point_celery_at_broker()
        with transaction() as session:
            session.execute(text("CREATE TABLE effect (name text NOT NULL)"))
        fleet = Fleet(folder=folder, include=SAMPLES)
        try:
            fleet.start_beat()
            yield fleet.start_worker(processes=processes)
        finally:
            fleet.close()
            redis.close()
            store.close()
            dispose_engine()
