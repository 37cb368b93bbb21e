"""Makes and publishes models, their versions and prices. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.pages import cut
from app.db.upsert import insert_or_update
from app.domains.billing.facts import Tax, TaxCategory
from app.domains.marketplace.catalog import gate
from app.domains.marketplace.catalog.errors import (
    ModelNotFound,
    NameTaken,
    NotPublishable,
    TierNotFound,
    UnofficialCurrency,
    VersionNotFound,
)
from app.domains.marketplace.catalog.models import (
    ModelState,
    ModelVersion,
    PricingTier,
    PushState,
    ScanState,
    SoftwareModel,
)
from app.values.money import OFFICIAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.columns import Base
    from app.db.pages import Page


@dataclass(frozen=True, kw_only=True)
class NewTier:
    """What a model is to cost in one way of buying it; `amount` in minor units of `currency`."""

    name: str
    amount: int
    currency: str
    period: str
    tax: Tax
    max_activations: int


def create_model(session: Session, *, slug: str, facts: Mapping[str, str], now: datetime) -> SoftwareModel:
    """Make a draft of a model. Raises `NameTaken`; of two at once, one is the first."""
    values = {**facts, "slug": slug, "state": ModelState.DRAFT, "created_at": now}
    id_ = _insert_new(session, SoftwareModel, values, what="model", name=slug)
    return session.get_one(SoftwareModel, id_)


def add_version(session: Session, *, model_id: int, version: str, notes: str, now: datetime) -> ModelVersion:
    """Make a version of a model, which is not published yet. Raises `ModelNotFound` and `NameTaken`."""
    find_model(session, model_id=model_id)
    values = {
        "model_id": model_id,
        "version": version,
        "notes": notes,
        "push_state": PushState.NONE,
        "scan_state": ScanState.NONE,
        **dict.fromkeys(("critical", "high", "medium", "low"), 0),
        "created_at": now,
    }
    id_ = _insert_new(session, ModelVersion, values, what="version", name=version)
    return session.get_one(ModelVersion, id_)


def add_tier(session: Session, *, model_id: int, new: NewTier, now: datetime) -> PricingTier:
    """Offer a model at a price. Raises `ModelNotFound`, `UnofficialCurrency` and `NameTaken`."""
    find_model(session, model_id=model_id)
    if new.currency not in OFFICIAL:
        raise UnofficialCurrency(currency=new.currency)
    values = {
        "model_id": model_id,
        "name": new.name,
        "amount": new.amount,
        "currency": new.currency,
        "period": new.period,
        "tax_category": new.tax.category,
        "tax_percent": new.tax.percent,
        "tax_reason": new.tax.reason,
        "max_activations": new.max_activations,
        "created_at": now,
    }
    id_ = _insert_new(session, PricingTier, values, what="pricing tier", name=new.name)
    return session.get_one(PricingTier, id_)


def end_tier(session: Session, *, model_id: int, tier_id: int, now: datetime) -> PricingTier:
    """Sell no more at a price. Raises `TierNotFound`."""
    tier = session.get(PricingTier, tier_id, with_for_update=True)
    if tier is None or tier.model_id != model_id:
        raise TierNotFound(tier_id=tier_id)
    tier.ended_at = tier.ended_at or now
    return tier


def publish_version(session: Session, *, model_id: int, version_id: int, now: datetime) -> ModelVersion:
    """Let buyers have a version. Raises `VersionNotFound` and `VersionBlocked`."""
    version = session.get(ModelVersion, version_id, with_for_update=True)
    if version is None or version.model_id != model_id:
        raise VersionNotFound(version_id=version_id)
    gate.pass_or_refuse(version)
    version.published_at = version.published_at or now
    return version


def publish(session: Session, *, model_id: int, now: datetime) -> SoftwareModel:
    """Let a model be bought. Raises `ModelNotFound` and `NotPublishable`."""
    model = find_model(session, model_id=model_id, locked=True)
    if not any(one.published_at for one in versions_of(session, model_id=model_id)):
        raise NotPublishable(model_id=model_id, problem="none of its versions is; publish one first")
    if not tiers_of(session, model_id=model_id):
        raise NotPublishable(model_id=model_id, problem="it has no price; add a pricing tier first")
    model.state = ModelState.PUBLISHED
    model.published_at = model.published_at or now
    return model


def withdraw(session: Session, *, model_id: int) -> SoftwareModel:
    """Sell a model no more; what was sold stays good. Raises `ModelNotFound`."""
    model = find_model(session, model_id=model_id, locked=True)
    model.state = ModelState.WITHDRAWN
    return model


def find_model(
    session: Session, *, model_id: int, only_published: bool = False, locked: bool = False
) -> SoftwareModel:
    """The model. Raises `ModelNotFound`."""
    found = session.get(
        SoftwareModel,
        model_id,
        with_for_update={"key_share": True} if locked else None,
        populate_existing=True,
    )
    if found is None or (only_published and found.state != ModelState.PUBLISHED):
        raise ModelNotFound(model_id=model_id)
    return found


def models(session: Session, *, only_published: bool, after: int | None, limit: int) -> Page:
    """Models in the order in which they were made."""
    rows = select(SoftwareModel).where(SoftwareModel.id > (after or 0)).order_by(SoftwareModel.id)
    if only_published:
        rows = rows.where(SoftwareModel.state == ModelState.PUBLISHED)
    return cut(session, rows, limit=limit)


def versions_of(session: Session, *, model_id: int) -> Sequence[ModelVersion]:
    """All versions of a model, the last made first."""
    rows = select(ModelVersion).where(ModelVersion.model_id == model_id)
    return session.scalars(rows.order_by(ModelVersion.id.desc())).all()


def tiers_of(session: Session, *, model_id: int) -> Sequence[PricingTier]:
    """What a model costs now."""
    rows = select(PricingTier).where(PricingTier.model_id == model_id, PricingTier.ended_at.is_(None))
    return session.scalars(rows.order_by(PricingTier.id)).all()


def tax_of(tier: PricingTier) -> Tax:
    """The tax on a price."""
    return Tax(category=TaxCategory(tier.tax_category), percent=tier.tax_percent, reason=tier.tax_reason)


def _insert_new(
    session: Session, table: type[Base], values: Mapping[str, Any], *, what: str, name: str
) -> int:
    statement = insert_or_update(session, table).values(**values).on_conflict_do_nothing()
    id_: int | None = session.scalar(statement.returning(table.__table__.c.id))
    if id_ is None:
        raise NameTaken(what=what, name=name)
    return id_
