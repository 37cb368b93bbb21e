"""Finds what all packages say about people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.db.columns import Base
from app.packages import modules

if TYPE_CHECKING:
    from app.personal_data.declaration import Declaration, PersonalTable


def declarations() -> tuple[Declaration, ...]:
    """What each package says, by the packages' names."""
    return tuple(module.DECLARATION for module in modules("personal_data"))


def personal_tables() -> tuple[PersonalTable, ...]:
    """All tables that hold something about people, by their names."""
    found = (table for declaration in declarations() for table in declaration.tables)
    return tuple(sorted(found, key=lambda table: table.name))


def erasable_tables() -> tuple[PersonalTable, ...]:
    """The same in the order of erasing: stage by stage, what refers to others before them."""
    place = {table.name: number for number, table in enumerate(Base.metadata.sorted_tables)}
    return tuple(sorted(personal_tables(), key=lambda table: (table.stage, -place[table.name])))
