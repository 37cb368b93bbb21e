"""Pages of rows that stay right while rows are added: each goes on after the id that ended the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows, and the id after which the next ones begin; None on the last page."""

    rows: Sequence[Any]
    next: int | None


def page_of(found: Sequence[Any], *, limit: int) -> Page:
    """The first `limit` of `found`; one more than that was asked for, to see whether there is a next page."""
    return Page(rows=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


def cut(session: Session, rows: Select[Any], *, limit: int) -> Page:
    """The first `limit` objects that `rows` selects."""
    return page_of(session.scalars(rows.limit(limit + 1)).all(), limit=limit)
