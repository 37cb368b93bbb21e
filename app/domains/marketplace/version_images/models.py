"""The table of weaknesses."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.domains.marketplace.images.findings import Severity


class ImageFinding(Base):
    """A weakness that the last scan found in the image of a version; the gravest have the lowest ids."""

    __tablename__ = "image_finding"
    __table_args__ = (
        one_of(Severity, column="severity"),
        Index("ix_image_finding_version", "version_id", "id"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"))
    severity: Mapped[str] = mapped_column(Text)
    #: Such as CVE-2026-1234.
    weakness: Mapped[str] = mapped_column(Text)
    package: Mapped[str] = mapped_column(Text)
    installed: Mapped[str] = mapped_column(Text)
    #: The version that mends it; empty where there is none yet.
    fixed: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
