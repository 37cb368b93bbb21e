"""What a package says of its tables that hold something about people.

A module `personal_data` has a `DECLARATION`; how rows are found is a condition of SQL, so that they are
streamed and erased in batches, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.db.columns import Base

#: Its jobs name a person, and stay: by a number that is nobody's any more once they are done.
ERASE_TASK = "privacy.erase_customer_data"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom it is about, as tables name people."""

    user_id: int
    email: str


Rows = Callable[[Subject], "ColumnElement[bool]"]


@dataclass(frozen=True)
class Delete:
    """The rows go."""


@dataclass(frozen=True)
class Anonymise:
    """The rows stay, and say nothing of the person: what each of these columns is set to."""

    columns: Mapping[str, Any]


@dataclass(frozen=True)
class Keep:
    """The rows stay as they are, for a reason that the person is told."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """Rows that stay though the others of their table go."""

    rows: Rows
    reason: str


class Stage(IntEnum):
    """When rows are erased: those by which others are found go after them."""

    CONTENT = 0
    ROOTS = 1
    MEMBERSHIPS = 2
    PERSON = 3


@dataclass(frozen=True, kw_only=True)
class PersonalTable:
    """A table that holds something about people."""

    model: type[Base]
    #: Those of a person.
    rows: Rows
    erasure: Delete | Anonymise | Keep
    #: Columns that nobody is shown, and why.
    withheld: Mapping[str, str] = field(default_factory=dict)
    but: Exemption | None = None
    #: Rows that something works on now: they are erased once it is over.
    in_use: Rows | None = None
    stage: Stage = Stage.CONTENT

    @property
    def name(self) -> str:
        """That of the table."""
        return str(self.model.__tablename__)


def _nothing(_session: Session, _subject: Subject) -> Iterable[str]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a package holds about people."""

    tables: tuple[PersonalTable, ...] = ()
    #: Tables that seem to hold something about people and do not, and why.
    holding_none: Mapping[type[Base], str] = field(default_factory=dict)
    #: What has to be done before somebody can be erased, a sentence each.
    obligations: Callable[[Session, Subject], Iterable[str]] = _nothing
    #: Ends what goes on in the person's name; it may be called again, and does not commit.
    sever: Callable[[Session, Subject], object] = _nothing
