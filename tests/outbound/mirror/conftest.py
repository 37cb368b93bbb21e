"""Stores of results of each kind, as plain Celery clients have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from celery import Celery
from sqlalchemy import create_engine

from tests.servers import MariaDbServer, PostgresServer, RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Server = RedisServer | PostgresServer | MariaDbServer


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A store of results, by the URLs that the setting and a client have of it, and what runs it."""

    setting: str
    backend: str
    server: Server

    def client(self) -> Celery:
        """A plain Celery application that knows nothing of this project."""
        app = Celery("elsewhere", backend=self.backend, set_as_current=False)
        app.conf.update(redis_socket_timeout=5, database_create_tables_at_setup=False)
        return app


def start(kind: str) -> Elsewhere:
    """A server of that kind, with nothing in it."""
    if kind == "redis":
        redis = RedisServer()
        redis.start()
        return Elsewhere(setting=redis.url, backend=redis.url, server=redis)
    if kind == "postgresql":
        # It is killed, and keeps what it has said it keeps.
        postgres = PostgresServer(settings=())
        postgres.start()
        postgres.execute("CREATE DATABASE results")
        url = postgres.url("results")
        backend = url.replace("postgresql://", "db+postgresql+psycopg://")
        return Elsewhere(setting=f"db+{url}", backend=backend, server=postgres)
    mariadb = MariaDbServer()
    mariadb.start()
    backend = mariadb.url.replace("mysql://", "db+mysql+pymysql://")
    return Elsewhere(setting=f"db+{mariadb.url}", backend=f"{backend}?charset=utf8mb4", server=mariadb)


@pytest.fixture(scope="module", params=["redis", "postgresql", "mysql"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    started = start(request.param)
    yield started
    started.server.close()


@pytest.fixture
def mirrored(elsewhere: Elsewhere, configure: Callable[..., None]) -> Elsewhere:
    """The settings name it, and nothing is in it."""
    if isinstance(elsewhere.server, RedisServer):
        elsewhere.server.client().flushall()
    else:
        engine = create_engine(elsewhere.backend.removeprefix("db+"))
        with engine.begin() as connection:
            for name in ("celery_taskmeta", "celery_tasksetmeta"):
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        engine.dispose()
    configure(result_mirror=elsewhere.setting)
    return elsewhere
