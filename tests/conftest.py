"""Real servers for all tests, and the settings pointed at them."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.db.engine import _engine_of, make_engine
from app.db.engine import engine as db_engine
from app.db.migrations import revisions
from app.db.sessions import transaction
from app.settings import config, sources
from app.settings.database_url import parse
from tests.checkout import ROOT, Checkout, copy_of_checkout
from tests.fleet import Fleet
from tests.servers import PostgresServer, RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

_NUMBERS = itertools.count(1)
# Set before anything imports the Celery application, which reads the settings once.
for _name in [
    sources.ENV_FILE_VARIABLE,
    *(f"{sources.PREFIX}{name.upper()}" for name in config.Settings.model_fields),
]:
    os.environ.pop(_name, None)
os.environ[f"{sources.PREFIX}SECRET_KEY"] = secrets.token_urlsafe(32)
# Started in the background by a shell, this process and all that it starts would be deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated database that tests copy."""
    postgres_server.execute("CREATE DATABASE template_migrated")
    revisions.upgrade(database_url=postgres_server.url("template_migrated"))
    return "template_migrated"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated SQLite file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "groundwork.db"
    revisions.upgrade(database_url=f"sqlite:///{path}")
    engine = make_engine(parse(f"sqlite:///{path}"))
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return path.read_bytes()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A Redis database that is empty."""
    redis_server.client().flushall()
    return redis_server.url


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    name = f"test_{next(_NUMBERS)}"
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield postgres_server.url(name)
    db_engine().dispose()
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_template: bytes, tmp_path: Path) -> str:
    """A fresh, migrated SQLite file."""
    path = tmp_path / "groundwork.db"
    path.write_bytes(sqlite_template)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database of each kind in turn."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(name))


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Sets `GROUNDWORK_*` variables and makes this process read its settings anew."""

    def set_and_reload(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"{sources.PREFIX}{name.upper()}", str(value))
        forget_settings()

    monkeypatch.chdir(tmp_path)
    forget_settings()
    yield set_and_reload
    monkeypatch.undo()
    forget_settings()


def forget_settings() -> None:
    """Forget everything this process has derived from its settings."""
    from app.jobs.celery import non_durable  # (after the environment is set)
    from app.jobs.ledger import store  # (after the environment is set)
    from app.jobs.publish import publisher  # (after the environment is set)

    config.settings.cache_clear()
    _engine_of.cache_clear()
    store.close()
    publisher.close()
    non_durable.close()


@pytest.fixture
def database(configure: Callable[..., None], database_url: str, redis_url: str) -> Engine:
    """The engine of a fresh database of each kind, with settings and an empty Redis to match."""
    configure(database_url=database_url, redis_url=redis_url)
    return db_engine()


@pytest.fixture
def fleet(database: Engine, configure: Callable[..., None], tmp_path: Path) -> Iterator[Fleet]:
    """Starts workers and beats on `database`; leases and recovery are short, so that tests are."""
    configure(lease_seconds=3, recover_seconds=1, lost_after_seconds=2, soft_shutdown_seconds=2)
    with transaction() as session:
        session.execute(text("CREATE TABLE effect (name text NOT NULL)"))
    started = Fleet(folder=tmp_path)
    yield started
    started.close()


@pytest.fixture
def environment(database: Engine) -> dict[str, str]:  # (it sets the variables)
    """The environment for processes that work on `database`."""
    return dict(os.environ)


@pytest.fixture(scope="session")
def ready_venv() -> None:
    """Setting up in the copy must have nothing to do, or it would install into this checkout's place."""
    subprocess.run([ROOT / "scripts" / "python", ROOT / "scripts" / "install.py", "dev"], check=True)


@pytest.fixture
def checkout(tmp_path: Path, ready_venv: None) -> Iterator[Checkout]:
    """A copy of the checkout that lies deep and has an awkward name; stopped in the end."""
    # Deeper than the 107 bytes of a unix socket's address, and with a space in it.
    made = copy_of_checkout(tmp_path / ("deep" * 25) / "a checkout")
    yield made
    made.up("stop")
    assert made.is_gone
