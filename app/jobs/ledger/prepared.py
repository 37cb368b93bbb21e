"""Runs a prepared statement on a PostgreSQL connection with as little work around it as libpq allows.

A cursor costs more than the statements of the hot path do: it converts the query, looks up adapters and
waits in Python. On a connection that does not commit by itself, a transaction is begun as psycopg would.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, Escaping, ExecStatus, TransactionStatus

from app.db import outages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.pq.abc import PGconn, PGresult

#: From PostgreSQL's catalogue of types (pg_type.oid) to what reads their text form; the rest is text.
_READERS: dict[int, Callable[[bytes], Any]] = {20: int, 21: int, 23: int, 700: float, 701: float}


def _numbered(statement: str) -> bytes:
    """The statement with libpq's placeholders."""
    parts = statement.split("%s")
    numbers = (f"${number}" for number in range(1, len(parts)))
    return "".join(
        part + number for part, number in itertools.zip_longest(parts, numbers, fillvalue="")
    ).encode()


def _text(value: Any) -> bytes | None:
    """A value in PostgreSQL's text form."""
    if value is None:
        return None
    if isinstance(value, list):
        return _array(value).encode()
    return str(value).encode()


def _array(values: list[Any]) -> str:
    if all(type(value) is str for value in values):
        joined = '","'.join(values)
        # Mostly there is nothing to escape: one look at all costs less than one at each.
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return '{"' + joined + '"}' if values else "{}"
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Prepared:
    """One connection and the statements it knows."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        # Held weakly by whoever keeps this with the connection, so only what libpq needs is kept here.
        self._link = connection.pgconn
        self._autocommit = connection.autocommit
        self._names: dict[str, bytes] = {}

    def run(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of `statement`, prepared on its first use where that lasts. Raises as psycopg would."""
        try:
            return self._run(statement, values)
        except psycopg.Error as error:
            outages.belongs_to_ledger(error)
            raise

    def end_with(self, statement: str, values: Sequence[Any]) -> None:
        """The last statement of a transaction and its commit, in one round trip; none without the other."""
        literals = [self._literal(value) for value in values]
        parts = [part.encode() for part in statement.split("%s")]
        both = b"".join(itertools.chain.from_iterable(zip(parts, [*literals, b"; COMMIT"], strict=True)))
        try:
            # Whatever follows a statement that fails, PostgreSQL leaves alone.
            _check(self._link, self._link.exec_(both))
        except psycopg.Error as error:
            outages.belongs_to_ledger(error)
            raise

    def _literal(self, value: Any) -> bytes:
        text = _text(value)
        return b"NULL" if text is None else Escaping(self._link).escape_literal(text)

    def _run(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        texts: Any = [_text(value) for value in values]
        if self._autocommit:
            name = self._names.get(statement) or self._prepare(statement)
            return _rows(self._link, self._link.exec_prepared(name, texts))
        if self._link.transaction_status == TransactionStatus.IDLE:
            _check(self._link, self._link.exec_(b"BEGIN"))
        # psycopg forgets all prepared statements of a connection when it rolls back, so none is kept here.
        return _rows(self._link, self._link.exec_params(_numbered(statement), texts))

    def _prepare(self, statement: str) -> bytes:
        name = f"groundwork_{len(self._names)}".encode()
        _check(self._link, self._link.prepare(name, _numbered(statement)))
        self._names[statement] = name
        return name


def _rows(link: PGconn, result: PGresult) -> list[tuple[Any, ...]]:
    _check(link, result)
    readers = [_READERS.get(result.ftype(column), bytes.decode) for column in range(result.nfields)]
    return [
        tuple(
            None if (raw := result.get_value(row, column)) is None else read(raw)
            for column, read in enumerate(readers)
        )
        for row in range(result.ntuples)
    ]


def _check(link: PGconn, result: PGresult) -> None:
    if link.status != ConnStatus.OK:
        raise psycopg.OperationalError(f"the connection is lost: {link.get_error_message()}")
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)


#: The statements that each connection knows already, those under sessions included.
_PREPARED: WeakKeyDictionary[psycopg.Connection[Any], Prepared] = WeakKeyDictionary()


def run(connection: psycopg.Connection[Any], statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of `statement` on a connection, whichever way is quickest there."""
    return _known(connection).run(statement, values)


def end_with(connection: psycopg.Connection[Any], statement: str, values: Sequence[Any]) -> None:
    """Run a statement and commit, or neither where it raises; the transaction is to be rolled back then."""
    _known(connection).end_with(statement, values)


def _known(connection: psycopg.Connection[Any]) -> Prepared:
    known = _PREPARED.get(connection)
    if known is None:
        known = _PREPARED[connection] = Prepared(connection)
    return known
