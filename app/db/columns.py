"""What tables are declared with: the base class, and the column types that both databases share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Integer,
    MetaData,
    types,
)
from sqlalchemy.orm import DeclarativeBase

from app.db.far_times import forgiving

if TYPE_CHECKING:
    from enum import StrEnum

#: How SQLAlchemy stores a time in SQLite. The raw statements of `app.jobs.ledger.store` write the same form.
SQLITE_TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"


#: SQLite numbers rows by itself only in a column that is plain INTEGER.
BIG_ID = BigInteger().with_variant(Integer(), "sqlite")


def one_of(kind: type[StrEnum], *, column: str) -> CheckConstraint:
    """Let the database refuse what is no value of `kind` in `column`."""
    values = ", ".join(f"'{member.value}'" for member in kind)
    return CheckConstraint(f"{column} IN ({values})", name=column)


class UtcDateTime(types.TypeDecorator[datetime]):
    """A moment: always aware, always UTC, on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"The time {value} has no time zone; give it one, such as datetime.now(UTC).")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        read = super().result_processor(dialect, coltype)
        return forgiving(read) if read and dialect.name == "sqlite" else read

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class FixedPoint(types.TypeDecorator[Decimal]):
    """A decimal with so many places, kept as a whole number of its last one: exact on both databases."""

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> int | None:  # noqa: ARG002
        if value is None:
            return None
        scaled = value.scaleb(self.places)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"The number {value} has more than {self.places} decimals; round it first.")
        return int(scaled)

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:  # noqa: ARG002
        return None if value is None else Decimal(value).scaleb(-self.places)


class Base(DeclarativeBase):
    """All tables; constraint names follow one convention, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime()}  # noqa: RUF012 (SQLAlchemy reads it from the class)
