"""Real servers for all tests, and the settings pointed at them."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import Connection, connect
from sqlalchemy import text

from app import freeze_loaded
from app.db.engine import _asking_engine_of, _engine_of, dispose_engine
from app.db.engine import engine as db_engine
from app.db.sessions import transaction
from app.settings import config, sources
from tests.checkout import ROOT, Checkout, copied_checkout
from tests.compiled_once import one_dialect
from tests.fleet import Fleet
from tests.kept_database import KeptDatabase
from tests.preloaded import NO_ENV_FILE
from tests.rabbit_server import RabbitServer
from tests.servers import TEMPLATE, PostgresServer, RedisServer, folder_in_memory
from tests.templates import made_once, make_postgres_data, make_sqlite_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

#: Fixtures that start processes, or are for them.
PROCESSES = frozenset({"fleet", "environment", "checkout"})
_NUMBERS = itertools.count(1)
#: The broker of all tests that ask for none by name.
BROKER = os.environ.get("TEST_BROKER", "redis")
# Set before anything imports the Celery application, which reads the settings once.
for _name in config.Settings.model_fields:
    os.environ.pop(f"{sources.PREFIX}{_name.upper()}", None)
os.environ[sources.ENV_FILE_VARIABLE] = NO_ENV_FILE
os.environ[f"{sources.PREFIX}SECRET_KEY"] = secrets.token_urlsafe(32)
# The width of a terminal, which pytest-xdist tells its processes; what commands print depends on it.
os.environ.pop("COLUMNS", None)
# Started in the background by a shell, this process and all that it starts would be deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "databases(*kinds): with these alone, for SQL is not what is tried")
    config.addinivalue_line("markers", "brokers(*kinds): with each of these, whatever TEST_BROKER says")
    config.addinivalue_line("markers", "redis_only(reason): not with another broker")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_url" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("databases")
        kinds = mark.args if mark else ("sqlite", "postgresql")
        metafunc.parametrize("database_url", kinds, indirect=True)

    mark = metafunc.definition.get_closest_marker("brokers")
    if mark:
        metafunc.parametrize("broker_url", mark.args, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        mark = item.get_closest_marker("redis_only")
        if BROKER != "redis" and mark:
            item.add_marker(pytest.mark.skip(reason=mark.kwargs["reason"]))
        elif BROKER != "redis" and "own_redis" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="it breaks the Redis that is the broker"))


def pytest_collection_finish() -> None:
    """Look for garbage as a service at work does; while loading, `app` next to never does."""
    freeze_loaded()


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Compile a statement once per process, not once per test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.db.engine.create_engine", one_dialect)
        yield


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer(folder=folder_in_memory("groundwork-redis-"))
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def postgres_data(templates: Path) -> Path:
    """The files of a PostgreSQL that has a migrated database, for servers to start on a copy of them."""
    return made_once(templates / "postgres", make_postgres_data)


@pytest.fixture(scope="session")
def postgres_server(postgres_data: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder=folder_in_memory("groundwork-postgres-"))
    server.start(copy_of=postgres_data)
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_administration(postgres_server: PostgresServer) -> Iterator[Connection[Any]]:
    """Where databases are made and dropped, for tests have one each."""
    with connect(postgres_server.url("postgres"), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def sqlite_template(templates: Path) -> Path:
    """A migrated SQLite file that tests copy."""
    return made_once(templates / "groundwork.db", make_sqlite_file)


@pytest.fixture(scope="session")
def sqlite_folder() -> Iterator[Path]:
    folder = folder_in_memory("groundwork-sqlite-")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A Redis database that is empty."""
    redis_server.clear()
    return redis_server.url


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[RabbitServer]:
    server = RabbitServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def broker_url(request: pytest.FixtureRequest) -> str:
    """The setting that makes RabbitMQ the broker, without any queue; empty where Redis is it."""
    if getattr(request, "param", BROKER) == "redis":
        return ""
    server: RabbitServer = request.getfixturevalue("rabbit_server")
    server.clear()
    return server.url


@pytest.fixture(scope="session")
def kept_database(postgres_server: PostgresServer) -> Iterator[KeptDatabase]:
    kept = KeptDatabase(server=postgres_server, name="kept")
    yield kept
    kept.close()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> str:
    """A migrated PostgreSQL database, without what other tests did."""
    # What a test's processes do once it is over must not meet the next one.
    name = "fresh_database" if PROCESSES.intersection(request.fixturenames) else "emptied_database"
    return str(request.getfixturevalue(name))


@pytest.fixture
def emptied_database(kept_database: KeptDatabase) -> Iterator[str]:
    yield kept_database.as_new()
    dispose_engine()


@pytest.fixture
def fresh_database(
    postgres_server: PostgresServer, postgres_administration: Connection[Any]
) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    postgres_administration.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy".encode())
    yield postgres_server.url(name)
    dispose_engine()
    postgres_administration.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def sqlite_url(sqlite_template: Path, sqlite_folder: Path) -> Iterator[str]:
    """A fresh, migrated SQLite file."""
    folder = sqlite_folder / f"test_{next(_NUMBERS)}"
    folder.mkdir()
    yield f"sqlite:///{shutil.copyfile(sqlite_template, folder / 'groundwork.db')}"
    shutil.rmtree(folder)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database of each kind in turn, or of those that the mark `databases` names."""
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


@contextmanager
def configured(folder: Path, **values: object) -> Iterator[None]:
    """What `configure` does for a test, for the tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(f"{sources.PREFIX}{name.upper()}", str(value))
        patch.chdir(folder)
        forget_settings()
        yield
        dispose_engine()
    forget_settings()


def forget_settings() -> None:
    """Forget everything this process has derived from its settings."""
    from app.jobs.celery import non_durable  # (after the environment is set)
    from app.jobs.ledger import store  # (after the environment is set)
    from app.jobs.publish import publisher  # (after the environment is set)

    config.settings.cache_clear()
    _engine_of.cache_clear()
    _asking_engine_of.cache_clear()
    store.close()
    publisher.close()
    non_durable.close()


@pytest.fixture
def database(configure: Callable[..., None], database_url: str, redis_url: str, broker_url: str) -> Engine:
    """The engine of a fresh database of each kind, with settings and an empty broker to match."""
    configure(database_url=database_url, redis_url=redis_url, broker_url=broker_url)
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
    with copied_checkout(tmp_path) as copy:
        yield copy
