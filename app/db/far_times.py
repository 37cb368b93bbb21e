"""Times in the database that Python has no form for: one such row keeps no other from being read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.datetime import TimestamptzLoader

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.abc import AdaptContext, Buffer

#: What stands for a moment beyond year 9999, for `infinity`, and for a text that is no moment.
FAR = datetime.max.replace(tzinfo=UTC)
_USUAL = psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, Format.TEXT)


class FarLoader(Loader):
    """Reads PostgreSQL's moments as psycopg does, and `FAR` where psycopg raises."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._usual = (_USUAL or TimestamptzLoader)(oid, context)

    def load(self, data: Buffer) -> Any:
        try:
            return self._usual.load(data)
        except psycopg.DataError:
            return FAR


def read_far_times(connection: psycopg.Connection[Any]) -> None:
    """Let a connection read whatever moment a column holds."""
    connection.adapters.register_loader("timestamptz", FarLoader)


def forgiving(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What SQLAlchemy reads a moment of SQLite with, and `FAR` where that raises."""

    def try_to_read(value: Any) -> Any:
        try:
            return read(value)
        except (ValueError, TypeError, OverflowError):
            return FAR

    return try_to_read
