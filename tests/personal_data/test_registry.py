"""What packages say about people is compared with the tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.db.columns import Base
from app.db.encryption import Encrypted
from app.packages import modules
from app.personal_data.declaration import Anonymise
from app.personal_data.registry import declarations, erasable_tables, personal_tables
from app.personal_data.rows import shown_columns

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

modules("models")
PEOPLE = "account_user"
#: Names of columns that say who somebody is.
ABOUT_SOMEBODY = re.compile(r"(^|_)(user_id|user_name|email|recipient|owner_id)$")
SECRET = re.compile(r"digest|hash|token|secret|passphrase|password")
#: They sound so, and tell nobody anything.
NO_SECRETS = {"sha256", "token_id"}


def named() -> set[str]:
    none = {table.__tablename__ for declaration in declarations() for table in declaration.holding_none}
    return none | {table.name for table in personal_tables()}


def names_somebody(column: Column[object]) -> bool:
    to_people = any(key.column.table.name == PEOPLE for key in column.foreign_keys)
    return to_people or bool(ABOUT_SOMEBODY.search(column.name))


def below_somebody(table: Table) -> bool:
    """Whether its rows belong to rows that belong to somebody."""
    return any(
        key.column.table.name in named() - {PEOPLE} and not key.parent.nullable for key in table.foreign_keys
    )


def test_every_table_about_somebody_is_named() -> None:
    about = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(map(names_somebody, table.columns)) or below_somebody(table)
    }
    missing = about - named()
    assert not missing, (
        f"Say in personal_data.py of its package what becomes of {', '.join(sorted(missing))} when somebody "
        "is exported or erased, or in `holding_none` why it holds nothing about people."
    )


def test_each_is_named_once() -> None:
    names = [table.name for table in personal_tables()]
    assert len(names) == len(set(names))
    assert not set(names) & {
        table.__tablename__ for declaration in declarations() for table in declaration.holding_none
    }


def test_what_is_said_of_columns_is_about_columns() -> None:
    for table in personal_tables():
        columns = set(table.model.__table__.columns.keys())
        assert set(table.withheld) <= columns, table.name
        if isinstance(table.erasure, Anonymise):
            assert set(table.erasure.columns) <= columns, table.name


def test_secrets_are_shown_to_nobody() -> None:
    for table in personal_tables():
        columns = table.model.__table__.columns
        for name in set(shown_columns(table)) - NO_SECRETS:
            assert not isinstance(columns[name].type, Encrypted), f"{table.name}.{name}"
            assert not SECRET.search(name), f"{table.name}.{name}"


def test_reasons_are_sentences() -> None:
    for declaration in declarations():
        for table in declaration.tables:
            for reason in table.withheld.values():
                assert reason.endswith("."), table.name
        for reason in declaration.holding_none.values():
            assert reason.endswith(".")


def test_people_come_last_and_alone() -> None:
    assert [table.name for table in erasable_tables()][-1] == PEOPLE
    assert [table.stage for table in erasable_tables()].count(max(t.stage for t in erasable_tables())) == 1
