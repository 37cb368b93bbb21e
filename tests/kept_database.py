"""A migrated database that one test after another gets as it was: a new one takes five times as long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import connect, sql

from tests.servers import TEMPLATE

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

    from tests.servers import PostgresServer

#: What changes with any change of a schema, and with none of its rows.
CATALOGS = (
    "pg_attrdef",
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_extension",
    "pg_index",
    "pg_namespace",
    "pg_proc",
    "pg_sequence",
    "pg_trigger",
    "pg_type",
)
SCHEMA = " UNION ALL ".join(
    f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}" for name in CATALOGS
) + (
    " UNION ALL SELECT 'settings', count(*), max(own.xmin::text::bigint) FROM pg_db_role_setting AS own"
    " JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()"
)
WRITTEN = (
    "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND pg_relation_size(oid) > 0"
)
USED_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL ORDER BY sequencename"
RESTART = (
    "SELECT setval(sequencename::text::regclass, start_value, false) FROM pg_sequences"
    " WHERE sequencename = %s"
)
END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass(kw_only=True)
class KeptDatabase:
    """A database of `server`, made from the template when it is first asked for or cannot be mended."""

    server: PostgresServer
    name: str
    _connection: Connection[Any] | None = field(default=None, init=False)
    _schema: list[Any] = field(default_factory=list, init=False)
    #: What the template holds of each table that it does not leave empty.
    _rows: dict[str, bytes] = field(default_factory=dict, init=False)
    _sequences: list[Any] = field(default_factory=list, init=False)

    def as_new(self) -> str:
        """The URL of the database, which is as the template is."""
        if self._connection is None or not self._mended(self._connection):
            self._make()
        return self.server.url(self.name)

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def _make(self) -> None:
        self.close()
        self.server.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        self.server.execute(f"CREATE DATABASE {self.name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        self._connection = connect(self.server.url(self.name), autocommit=True)
        with self._connection.cursor() as cursor:
            written = [name for (name,) in cursor.execute(WRITTEN)]
            self._rows = {name: _copied(cursor, name) for name in written}
            self._sequences = cursor.execute(USED_SEQUENCES).fetchall()
            self._schema = cursor.execute(SCHEMA).fetchall()

    def _mended(self, connection: Connection[Any]) -> bool:
        """Whether it could be made as it was."""
        with connection.cursor() as cursor:
            cursor.execute(END_OTHERS)
            if cursor.execute(SCHEMA).fetchall() != self._schema:
                return False
            if any(_copied(cursor, name) != rows for name, rows in self._rows.items()):
                return False
            for (name,) in cursor.execute(USED_SEQUENCES).fetchall():
                if (name,) not in self._sequences:
                    cursor.execute(RESTART, (name,))
            written = [name for (name,) in cursor.execute(WRITTEN) if name not in self._rows]
            if written:
                cursor.execute(
                    sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(map(sql.Identifier, written)))
                )
                self._schema = cursor.execute(SCHEMA).fetchall()
        return True


def _copied(cursor: Cursor[Any], table: str) -> bytes:
    statement = sql.SQL("COPY (SELECT * FROM {} AS row ORDER BY row) TO STDOUT").format(sql.Identifier(table))
    with cursor.copy(statement) as copy:
        return b"".join(bytes(part) for part in copy)
