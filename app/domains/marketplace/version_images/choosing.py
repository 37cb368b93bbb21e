"""Which version of a model is meant. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.marketplace.catalog.errors import VersionNotFound
from app.domains.marketplace.catalog.models import ModelVersion, PushState
from app.domains.marketplace.catalog.service import find_model
from app.domains.marketplace.version_images.errors import NoArchive, NotPushed, VersionUnclear

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


def tag_of(version: str) -> str:
    """The tag that a version has by itself: none may have a plus sign."""
    return version.replace("+", "_")


def to_push(session: Session, *, model_id: int, tag: str, version_id: int | None) -> ModelVersion:
    """The version of that id, locked; without one, that of the tag, or the only one with an archive.

    Raises `ModelNotFound`, `VersionNotFound`, `NoArchive` and `VersionUnclear`.
    """
    found = find_model(session, model_id=model_id)
    if version_id is None:
        version_id = _of_tag(session, model_id=found.id, tag=tag)
    version = locked(session, model_id=model_id, version_id=version_id)
    if version.archive_key is None:
        raise NoArchive(model_id=model_id, version_id=version_id)
    return version


def to_scan(session: Session, *, model_id: int, version_id: int | None) -> ModelVersion:
    """The version of that id, locked; without one, the last made of those whose image is in the registry.

    Raises `ModelNotFound`, `VersionNotFound` and `NotPushed`.
    """
    find_model(session, model_id=model_id)
    if version_id is None:
        pushed = select(ModelVersion.id).where(_of(model_id), ModelVersion.push_state == PushState.PUSHED)
        version_id = session.scalar(pushed.order_by(ModelVersion.id.desc()).limit(1))
    if version_id is None:
        raise NotPushed(model_id=model_id)
    version = locked(session, model_id=model_id, version_id=version_id)
    if version.push_state != PushState.PUSHED:
        raise NotPushed(model_id=model_id, version_id=version_id)
    return version


def version_of(session: Session, *, model_id: int, version_id: int) -> ModelVersion:
    """A version of the model. Raises `VersionNotFound`."""
    version = session.get(ModelVersion, version_id)
    if version is None or version.model_id != model_id:
        raise VersionNotFound(version_id=version_id)
    return version


def locked(session: Session, *, model_id: int, version_id: int) -> ModelVersion:
    """A version as it is now, for nobody else to change meanwhile. Raises `VersionNotFound`."""
    version = session.get(
        ModelVersion, version_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if version is None or version.model_id != model_id:
        raise VersionNotFound(version_id=version_id)
    return version


def _of_tag(session: Session, *, model_id: int, tag: str) -> int:
    all_ = session.scalars(select(ModelVersion).where(_of(model_id)).order_by(ModelVersion.id.desc())).all()
    for one in all_:
        if tag in (tag_of(one.version), f"v{tag_of(one.version)}"):
            return one.id
    with_archive = [one for one in all_ if one.archive_key is not None]
    if not with_archive:
        raise NoArchive(model_id=model_id)
    if len(with_archive) > 1:
        raise VersionUnclear(model_id=model_id, tag=tag, versions=with_archive)
    return with_archive[0].id


def _of(model_id: int) -> ColumnElement[bool]:
    return ModelVersion.model_id == model_id
