"""The columns that steps make most often. What is here stays as it is: steps that ran were made with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from datetime import datetime


def big(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """An id, or a reference to one."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A text of any length."""
    return sa.Column(name, sa.Text(), nullable=nullable)


def time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    """A moment."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
