"""The stores that Celery's clients read: what is written is made by Celery's own result backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import redis
from celery import Celery
from celery.backends.database import DatabaseBackend
from celery.backends.database.models import Task
from celery.backends.redis import RedisBackend
from kombu.utils.encoding import ensure_bytes
from sqlalchemy import MetaData, create_engine, exc, select
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Session

from app.jobs.celery import compat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from app.outbound.mirror.endings import Ending
    from app.settings.mirror_url import MirrorPlace

_TASKS: Any = Task.__table__
TIMEOUT_SECONDS = 5
#: What stock Celery gives to a column of MySQL holds 64 KiB, less than a result may have.
_LARGE: dict[str, Any] = {
    "result": mysql.LONGBLOB(),
    "children": mysql.LONGBLOB(),
    "traceback": mysql.MEDIUMTEXT(),
}
#: Half of what MariaDB takes in one statement by default; a larger one would look like a server that is away.
MAX_BYTES = 8 * 1024 * 1024


class TooLarge(ValueError):
    """Raised for a result that not every store takes."""

    def __init__(self, *, size: int) -> None:
        super().__init__(f"it has {size} bytes, and a store elsewhere is given {MAX_BYTES} at most")


class Store(Protocol):
    """Where results are written."""

    def write(self, endings: Sequence[Ending]) -> None:
        """Write all of them, or raise what is wrong."""

    def is_at_fault(self, error: Exception) -> bool:
        """Whether the store as a whole is away, as opposed to refusing what was to be written."""


def store_at(place: MirrorPlace) -> Store:
    """The store at that place. It is not connected to before something is written."""
    return RedisStore(place) if place.redis is not None else DatabaseStore(place)


def _plain_celery(**conf: Any) -> Celery:
    app = Celery("mirror", set_as_current=False)
    app.conf.update(result_serializer="json", accept_content=["json"], enable_utc=True, **conf)
    return app


class RedisStore:
    """A Redis in which a result is a key for a day, and told to whoever waits for it."""

    def __init__(self, place: MirrorPlace) -> None:
        assert place.redis is not None  # noqa: S101 (narrows the type)
        self._backend: Any = RedisBackend(app=_plain_celery(), url=place.redis.for_redis_py)
        self._client = redis.Redis.from_url(
            place.redis.for_redis_py, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )

    def write(self, endings: Sequence[Ending]) -> None:
        """Write all of them in one round trip."""
        with self._client.pipeline(transaction=False) as pipe:
            for ending in endings:
                meta = _meta(self._backend, ending)
                meta |= {"task_id": ending.id, "date_done": ending.date_done.isoformat()}
                key, value = self._backend.get_key_for_task(ending.id), _encoded(self._backend, meta)
                pipe.set(key, value, ex=self._backend.expires)
                pipe.publish(key, value)
            pipe.execute()

    def is_at_fault(self, error: Exception) -> bool:
        """Whether Redis is away, has no room or lets nobody in; it refuses no value for what it is."""
        return isinstance(error, redis.RedisError | OSError)


class DatabaseStore:
    """A database with Celery's table of results."""

    def __init__(self, place: MirrorPlace) -> None:
        self._engine = _engine(place)
        url = self._engine.url.render_as_string(hide_password=False)
        self._backend: Any = DatabaseBackend(
            app=_plain_celery(database_create_tables_at_setup=False), url=url
        )
        self._has_tables = False

    def write(self, endings: Sequence[Ending]) -> None:
        """Write all of them in one transaction."""
        if not self._has_tables:
            _make_tables(self._engine)
            self._has_tables = True
        with Session(self._engine) as session, session.begin():
            these = select(Task).where(_TASKS.c.task_id.in_([ending.id for ending in endings]))
            known = {task.task_id: task for task in session.scalars(these)}
            for ending in endings:
                task = known.get(ending.id) or Task(ending.id)
                for name, value in self._columns(ending).items():
                    setattr(task, name, value)
                session.add(task)

    def is_at_fault(self, error: Exception) -> bool:
        """Whether the database is away, full or busy. What is wrong with a value is said by `DataError`."""
        return isinstance(error, exc.SQLAlchemyError | OSError) and not isinstance(error, exc.DataError)

    def _columns(self, ending: Ending) -> dict[str, Any]:
        meta = _meta(self._backend, ending)
        encoded = {
            name: _encoded(self._backend, meta[name]) if name == "result" or meta[name] else None
            for name in ("result", "children")
        }
        return {
            **encoded,
            "status": ending.state,
            "traceback": ending.traceback,
            "date_done": ending.date_done.replace(tzinfo=None),
        }


def _encoded(backend: Any, value: Any) -> bytes:
    encoded: bytes = ensure_bytes(backend.encode(value))
    if len(encoded) > MAX_BYTES:
        raise TooLarge(size=len(encoded))
    return encoded


def _meta(backend: Any, ending: Ending) -> dict[str, Any]:
    return compat.result_meta(
        backend, ending.result, state=ending.state, traceback=ending.traceback, request=ending
    )


def _engine(place: MirrorPlace) -> Engine:
    assert place.database is not None  # noqa: S101 (narrows the type)
    waits = {"connect_timeout": TIMEOUT_SECONDS}
    if place.database.get_backend_name() == "mysql":
        waits |= {"read_timeout": TIMEOUT_SECONDS, "write_timeout": TIMEOUT_SECONDS}
        arguments: dict[str, Any] = {**waits}
    else:
        milliseconds = TIMEOUT_SECONDS * 1_000
        arguments = {
            **waits,
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
            # A peer that is gone without a word is noticed by the network alone.
            "tcp_user_timeout": milliseconds,
        }
    return create_engine(
        place.database,
        pool_size=1,
        pool_pre_ping=True,
        # Many large rows in one statement would be larger than a server takes.
        use_insertmanyvalues=False,
        connect_args=arguments,
    )


def _make_tables(engine: Engine) -> None:
    metadata = MetaData()
    table = _TASKS.to_metadata(metadata)
    for name, large in _LARGE.items():
        column = table.c[name]
        column.type = column.type.with_variant(large, "mysql", "mariadb")
    metadata.create_all(engine)
