"""The table of reports."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base, one_of


class ReportKind(StrEnum):
    """What a report is about."""

    DAILY = "daily"
    MONTHLY = "monthly"


class Form(StrEnum):
    """In which forms there is a report."""

    PDF = "pdf"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        """What the file is to those who get it."""
        return {Form.PDF: "application/pdf", Form.CSV: "text/csv"}[self]


class SalesReport(Base):
    """A report of a day or a month in one form. There is one of each, and it is not made anew."""

    __tablename__ = "sales_report"
    __table_args__ = (one_of(ReportKind, column="kind"),)

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    #: YYYY-MM-DD or YYYY-MM.
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    media_type: Mapped[str] = mapped_column(Text, primary_key=True)
    storage_key: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
