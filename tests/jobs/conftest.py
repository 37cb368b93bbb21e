"""One worker and one beat for all tests of a module, with each kind of database."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from kombu import pools
from sqlalchemy import text

from app.celery_app import celery_app
from app.db.sessions import transaction
from app.jobs.celery.without_ledger.configuration import configuration
from app.settings.config import settings
from tests.api_client import client_for
from tests.conftest import BROKER, configured
from tests.fleet import Fleet
from tests.jobs.running import Service
from tests.servers import TEMPLATE, RedisServer, folder_in_memory

SAMPLES = "tests.sample.tasks,tests.sample.celery_tasks,tests.sample.hard_ends,tests.sample.coroutines"
SAMPLES += ",tests.sample.talkative"

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from tests.servers import PostgresServer


@pytest.fixture
def api(database: Engine) -> Iterator[TestClient]:
    """A client that may do everything, of an API that runs as under gunicorn."""
    with client_for() as client:
        yield client


@pytest.fixture(scope="module")
def module_redis() -> Iterator[RedisServer]:
    """A Redis that the tests of a module keep for themselves."""
    server = RedisServer(folder=folder_in_memory("groundwork-redis-"))
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A migrated database that the tests of a module share."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("module") / "groundwork.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"module_{os.urandom(4).hex()}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def service(
    module_database: str,
    module_redis: RedisServer,
    module_broker: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A worker and a beat that run; leases and recovery are short, so that tests are."""
    folder = tmp_path_factory.mktemp("service")
    with configured(folder, **_settings(module_database, module_redis), **module_broker):
        point_celery_at_broker()
        module_redis.client().flushall()
        with transaction() as session:
            session.execute(text("CREATE TABLE effect (name text NOT NULL)"))
        yield from _run(folder, module_redis)


@pytest.fixture(scope="module")
def module_broker(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings of another broker than that Redis, under a name that no other module has."""
    if BROKER == "redis":
        return {}
    return {
        "broker_url": request.getfixturevalue("rabbit_server").url,
        "redis_prefix": f"module-{os.urandom(4).hex()}:",
    }


def point_celery_at_broker() -> None:
    """Celery reads the settings once, at its import; what it sends itself (non-durable tasks, remote control)
    is to go where the ledger's messages go."""
    celery_app.conf.update(configuration(settings()))
    celery_app.close()
    # Which leaves kombu's connections by URL, and a server that another test has killed is back at its own.
    pools.reset()
    celery_app.__dict__.pop("control", None)
    amqp: Any = celery_app.amqp
    amqp._producer_pool = None


def _settings(database_url: str, redis: RedisServer) -> dict[str, str]:
    return {
        "database_url": database_url,
        "redis_url": redis.url,
        "lease_seconds": "4",
        "recover_seconds": "1",
        "lost_after_seconds": "2",
        "soft_shutdown_seconds": "1",
    }


def _run(folder: Path, redis: RedisServer) -> Iterator[Service]:
    fleet = Fleet(folder=folder, include=SAMPLES)
    try:
        beat = fleet.start_beat()
        worker = fleet.start_worker(processes=3)
        yield Service(fleet=fleet, worker=worker, beat=beat, redis=redis, folder=folder)
    finally:
        fleet.close()
