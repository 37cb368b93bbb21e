"""The table of saved views."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base


class SavedView(Base):
    """A list of jobs under a name: somebody's own, or shared with all who see jobs."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    user_name: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    #: The query of the page, as it was when the view was saved; a later release may have other filters.
    query: Mapped[str] = mapped_column(Text)
    shared: Mapped[bool]
    saved_at: Mapped[datetime]
