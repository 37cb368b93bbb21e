"""Where the database holds what is sealed: in every encrypted column, and as a part of any JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Text, cast, literal, type_coerce

from app.db.columns import Base
from app.db.encryption import Encrypted
from app.jobs.ledger.seal import SEAL, renewed_within
from app.packages import modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Column, ColumnElement, Table


@dataclass(frozen=True, kw_only=True)
class Place:
    """A column, what of it can be sealed, and how that gets the first key."""

    name: str
    table: Table
    column: Column[Any]
    #: The value as it is stored, and how such a one is written.
    stored: ColumnElement[Any]
    #: Which rows hold something sealed.
    holds: ColumnElement[bool]
    #: The value under the first key; itself where nothing changes. Raises `GroundworkError`.
    renewed: Callable[[Any], Any]

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """The primary key, by which the rows are walked."""
        return tuple(self.table.primary_key)

    def values(self, value: Any) -> dict[str, ColumnElement[Any]]:
        """What an UPDATE sets for a stored `value`."""
        return {self.column.name: literal(value, self.stored.type)}


def places() -> Iterator[Place]:
    """All of them, table by table."""
    modules("models")
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Encrypted):
                yield _encrypted(table, column, column.type)
            elif isinstance(column.type, JSON):
                yield _json(table, column)


def _encrypted(table: Table, column: Column[Any], kind: Encrypted) -> Place:
    return Place(
        name=kind.purpose,
        table=table,
        column=column,
        stored=type_coerce(column, Text()),
        holds=column.is_not(None),
        renewed=kind.renewed,
    )


def _json(table: Table, column: Column[Any]) -> Place:
    return Place(
        name=f"{table.name}.{column.name}",
        table=table,
        column=column,
        stored=column,
        holds=cast(column, Text()).contains(f'"{SEAL}"'),
        renewed=renewed_within,
    )
