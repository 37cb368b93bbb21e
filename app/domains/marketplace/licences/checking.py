"""Says what a licence is good for, to software that has its key, and to its buyer. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.db.pages import cut
from app.domains.marketplace.catalog.models import SoftwareModel
from app.domains.marketplace.licences.errors import (
    LicenceNotFound,
    TooManyDevices,
    UnknownKey,
    UnusableLicence,
)
from app.domains.marketplace.licences.issuing import digest_of
from app.domains.marketplace.licences.models import Licence, LicenceActivation

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.pages import Page


class Standing(StrEnum):
    """Whether a licence is good."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A licence, as software needs to know it."""

    model: str
    standing: Standing
    expires_at: datetime | None
    activations: int
    max_activations: int
    #: Whether it is active, and used on the device that was named, if one was.
    is_valid: bool


def standing_of(licence: Licence, *, now: datetime) -> Standing:
    """Whether a licence is good now."""
    if licence.revoked_at is not None:
        return Standing.REVOKED
    if licence.expires_at is not None and licence.expires_at <= now:
        return Standing.EXPIRED
    return Standing.ACTIVE


def refuse_unusable(licence: Licence, *, now: datetime) -> None:
    """Raise `UnusableLicence` for one that is not good now."""
    standing = standing_of(licence, now=now)
    if standing is not Standing.ACTIVE:
        raise UnusableLicence(standing=standing)


def check(session: Session, *, key: str, device: str | None, now: datetime) -> Checked:
    """What the licence with `key` is good for. Raises `UnknownKey`."""
    return _checked(session, _of_key(session, key), device=device, now=now)


def activate(session: Session, *, key: str, device: str, now: datetime) -> Checked:
    """Use a licence on a device, once. Raises `UnknownKey`, `UnusableLicence` and `TooManyDevices`."""
    licence = _of_key(session, key)
    # Of several devices at once, one is the last.
    session.refresh(licence, with_for_update={"key_share": True})
    refuse_unusable(licence, now=now)
    if session.get(LicenceActivation, (licence.id, device)) is None:
        if _activations(session, licence) >= licence.max_activations:
            raise TooManyDevices(most=licence.max_activations)
        session.add(LicenceActivation(licence_id=licence.id, device=device, activated_at=now))
        session.flush()
    return _checked(session, licence, device=device, now=now)


def licence_of(session: Session, *, licence_id: int) -> Licence:
    """The licence. Raises `LicenceNotFound`."""
    found = session.get(Licence, licence_id)
    if found is None:
        raise LicenceNotFound(licence_id=licence_id)
    return found


def page(session: Session, *, only_user: int | None, before: int | None, limit: int) -> Page:
    """Licences, the last issued first; of `only_user` where one is named."""
    rows = select(Licence).order_by(Licence.id.desc())
    if only_user is not None:
        rows = rows.where(Licence.user_id == only_user)
    if before is not None:
        rows = rows.where(Licence.id < before)
    return cut(session, rows, limit=limit)


def _of_key(session: Session, key: str) -> Licence:
    # Looked up by its hash: how long that takes tells nothing of the keys that there are.
    found = session.scalar(select(Licence).where(Licence.digest == digest_of(key)))
    if found is None:
        raise UnknownKey
    return found


def _checked(session: Session, licence: Licence, *, device: str | None, now: datetime) -> Checked:
    standing = standing_of(licence, now=now)
    is_used = device is None or session.get(LicenceActivation, (licence.id, device)) is not None
    return Checked(
        model=session.get_one(SoftwareModel, licence.model_id).slug,
        standing=standing,
        expires_at=licence.expires_at,
        activations=_activations(session, licence),
        max_activations=licence.max_activations,
        is_valid=standing is Standing.ACTIVE and is_used,
    )


def _activations(session: Session, licence: Licence) -> int:
    rows = select(func.count()).where(LicenceActivation.licence_id == licence.id)
    return session.execute(rows).scalar_one()
