"""The tables of the catalogue. Amounts are whole minor units of the currency beside them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, FixedPoint, one_of
from app.domains.billing.facts import PERCENT_PLACES, TaxCategory


class ModelState(StrEnum):
    """Whether a model can be bought."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"  # what was sold of it stays good


class PushState(StrEnum):
    """How far the image of a version is on its way to the registry."""

    NONE = "none"
    PUSHING = "pushing"
    PUSHED = "pushed"
    FAILED = "failed"


class ScanState(StrEnum):
    """What is known of the weaknesses in an image."""

    NONE = "none"
    SCANNING = "scanning"
    PASSED = "passed"
    BLOCKED = "blocked"  # found what keeps it from being published
    FAILED = "failed"  # the scan itself


class MediaKind(StrEnum):
    """What a picture of a model is for."""

    THUMBNAIL = "thumbnail"
    SCREENSHOT = "screenshot"


class BillingPeriod(StrEnum):
    """For how long a price is paid."""

    ONCE = "once"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class SoftwareModel(Base):
    """Something that is sold: a trained model with its software."""

    __tablename__ = "software_model"
    __table_args__ = (one_of(ModelState, column="state"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    #: Its name in addresses.
    slug: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    #: Such as classification.
    kind: Mapped[str] = mapped_column(Text)
    #: Such as PyTorch.
    framework: Mapped[str] = mapped_column(Text)
    #: Such as commercial, or the SPDX identifier of a licence.
    licence_type: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
    #: When it was published for the first time.
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    #: Where `app.storage` keeps the picture that thumbnails are made of.
    picture_key: Mapped[str | None] = mapped_column(Text)


class ModelVersion(Base):
    """A version of a model: a file, an image in a registry, or both."""

    __tablename__ = "model_version"
    __table_args__ = (
        UniqueConstraint("model_id", "version"),
        one_of(PushState, column="push_state"),
        one_of(ScanState, column="scan_state"),
        CheckConstraint(
            "(file_key IS NULL) = (file_size IS NULL) AND (file_key IS NULL) = (file_sha256 IS NULL)",
            name="file",
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("software_model.id"))
    #: As semver.org has it.
    version: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    #: Where `app.storage` keeps the file.
    file_key: Mapped[str | None] = mapped_column(Text)
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    file_sha256: Mapped[str | None] = mapped_column(Text)
    #: Where `app.storage` keeps the archive that its image is pushed from.
    archive_key: Mapped[str | None] = mapped_column(Text)
    archive_size: Mapped[int | None] = mapped_column(BigInteger)
    archive_sha256: Mapped[str | None] = mapped_column(Text)
    #: repository:tag, and the digest that the registry has confirmed.
    image: Mapped[str | None] = mapped_column(Text)
    image_digest: Mapped[str | None] = mapped_column(Text)
    #: As far as it is known; `catalog.standing` says what has become of a job that never told.
    push_state: Mapped[str] = mapped_column(Text)
    push_job_id: Mapped[str | None] = mapped_column(Text)
    scan_state: Mapped[str] = mapped_column(Text)
    scan_job_id: Mapped[str | None] = mapped_column(Text)
    #: When Amazon ECR was last asked to scan the image.
    scan_started_at: Mapped[datetime | None]
    scanner: Mapped[str | None] = mapped_column(Text)
    #: Weaknesses that the last scan found, by how severe they are.
    critical: Mapped[int]
    high: Mapped[int]
    medium: Mapped[int]
    low: Mapped[int]
    scanned_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None] = mapped_column(index=True)


class ModelMedia(Base):
    """A picture of a model in one size and form."""

    __tablename__ = "model_media"
    __table_args__ = (
        UniqueConstraint("model_id", "kind", "media_type", "width"),
        one_of(MediaKind, column="kind"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("software_model.id"))
    kind: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    width: Mapped[int]
    height: Mapped[int]
    storage_key: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class PricingTier(Base):
    """What a model costs in one way of buying it. It is never changed: orders refer to it."""

    __tablename__ = "pricing_tier"
    __table_args__ = (
        UniqueConstraint("model_id", "name"),
        one_of(BillingPeriod, column="period"),
        one_of(TaxCategory, column="tax_category"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("max_activations > 0", name="max_activations"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("software_model.id"))
    name: Mapped[str] = mapped_column(Text)
    #: Of one licence, without tax.
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    tax_category: Mapped[str] = mapped_column(Text)
    tax_percent: Mapped[Decimal] = mapped_column(FixedPoint(PERCENT_PLACES))
    tax_reason: Mapped[str | None] = mapped_column(Text)
    #: On so many devices a licence may be used.
    max_activations: Mapped[int]
    created_at: Mapped[datetime]
    #: Set when it is sold no more.
    ended_at: Mapped[datetime | None]
