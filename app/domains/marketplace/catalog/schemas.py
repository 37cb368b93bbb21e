"""What the API of the catalogue takes and answers. Amounts are strings: a JSON number would be a float."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from app.domains.billing.facts import Tax, TaxCategory
from app.domains.marketplace.catalog.models import (
    BillingPeriod,
    ModelState,
    PricingTier,
    PushState,
    ScanState,
    SoftwareModel,
)
from app.domains.marketplace.catalog.service import NewTier
from app.values.money import to_decimal, to_minor
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE, SEVERAL_LINES

#: Source: semver.org, the suggested regular expression, without its named groups.
SEMVER = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$"
)
Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9](-?[a-z0-9]){0,62}$",
        description="Its name in addresses: small letters and digits, with hyphens between them.",
    ),
]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE]
Lines = Annotated[str, Field(min_length=1, max_length=20_000), SEVERAL_LINES]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, such as EUR.")]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,16}(\.[0-9]{1,4})?$", examples=["120.00"])]
Percent = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$", examples=["19"])]


def shown(minor: int, currency: str) -> str:
    """An amount as the API writes it."""
    return f"{to_decimal(minor, currency):f}"


class NewModel(StrictModel):
    """A model that is to be sold."""

    slug: Slug
    title: Line
    description: Lines
    kind: Line = Field(description="What it does, such as classification.")
    framework: Line = Field(description="What it runs on, such as PyTorch.")
    licence_type: Line = Field(description="Such as commercial, or an SPDX identifier.")

    @property
    def facts(self) -> dict[str, str]:
        """All but the slug."""
        return self.model_dump(exclude={"slug"})


class NewVersion(StrictModel):
    """A version of a model."""

    version: Annotated[str, Field(pattern=SEMVER, max_length=100, description="As semver.org has it.")]
    notes: Lines | None = None


class TaxIn(StrictModel):
    """The tax on a price, in the categories of EN 16931."""

    category: TaxCategory = TaxCategory.STANDARD
    percent: Percent
    reason: Annotated[str, Field(max_length=500)] | None = None


class TierIn(StrictModel):
    """What a licence costs, without tax."""

    name: Line
    amount: Amount
    currency: Currency
    period: BillingPeriod
    tax: TaxIn
    max_activations: Annotated[int, Field(ge=1, le=100_000, description="Devices it may be used on.")] = 1

    @property
    def new(self) -> NewTier:
        """With the amount in minor units. Raises `FractionOfMinorUnit`, and what is wrong with a tax."""
        tax = Tax(category=self.tax.category, percent=Decimal(self.tax.percent), reason=self.tax.reason)
        return NewTier(
            name=self.name,
            amount=to_minor(Decimal(self.amount), self.currency),
            currency=self.currency,
            period=self.period,
            tax=tax,
            max_activations=self.max_activations,
        )


class ModelView(RowView):
    """A model."""

    id: int
    slug: str
    title: str
    description: str
    kind: str
    framework: str
    licence_type: str
    state: ModelState
    created_at: datetime
    published_at: datetime | None


class VersionView(RowView):
    """A version of a model, and what is known of its image."""

    id: int
    version: str
    notes: str
    file_size: int | None
    file_sha256: str | None
    archive_size: int | None
    archive_sha256: str | None
    image: str | None
    image_digest: str | None
    push_state: PushState
    push_job_id: str | None
    scan_state: ScanState
    scan_job_id: str | None
    scanner: str | None
    critical: int
    high: int
    medium: int
    low: int
    scanned_at: datetime | None
    created_at: datetime
    published_at: datetime | None


class TierView(BaseModel):
    """What a licence costs, without tax."""

    id: int
    name: str
    amount: str
    currency: str
    period: BillingPeriod
    tax_category: TaxCategory
    tax_percent: str
    tax_reason: str | None
    max_activations: int
    ended_at: datetime | None

    @classmethod
    def of(cls, tier: PricingTier) -> Self:
        """As the API shows it."""
        told = {name: getattr(tier, name) for name in cls.model_fields}
        told["amount"] = shown(tier.amount, tier.currency)
        return cls(**told | {"tax_percent": f"{tier.tax_percent.normalize():f}"})


class WholeModel(ModelView):
    """A model with its versions, the last made first, and what it costs."""

    versions: list[VersionView]
    tiers: list[TierView]

    @classmethod
    def whole(cls, model: SoftwareModel, versions: list[VersionView], tiers: list[PricingTier]) -> Self:
        """As the API shows it."""
        return cls(
            **ModelView.model_validate(model).model_dump(),
            versions=versions,
            tiers=[TierView.of(one) for one in tiers],
        )


class ModelPage(BaseModel):
    """Some models, in the order in which they were made; `next` is the cursor of the page after."""

    models: list[ModelView]
    next: int | None
