"""The files of versions, which the store keeps. Nothing here commits."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.marketplace.catalog.errors import NoFile, VersionNotFound, VersionPublished
from app.domains.marketplace.catalog.models import ModelVersion

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.storage.files import Stored

GIB = 1024**3
LIMIT = 5 * GIB


def new_key(session: Session, *, model_id: int, version_id: int) -> str:
    """Where a file of a version is to be kept: each that is sent has a place of its own.

    Raises `VersionNotFound` and `VersionPublished`.
    """
    unpublished(session, model_id=model_id, version_id=version_id)
    return f"models/{model_id}/{version_id}/{secrets.token_hex(8)}"


def attach(
    session: Session, *, model_id: int, version_id: int, stored: Stored
) -> tuple[ModelVersion, str | None]:
    """Make a stored file that of a version; the version, and the key of the file that it had before.

    Raises `VersionNotFound` and `VersionPublished`.
    """
    version = unpublished(session, model_id=model_id, version_id=version_id)
    replaced = version.file_key
    version.file_key, version.file_size, version.file_sha256 = stored.key, stored.size, stored.sha256
    return version, replaced


def newest(session: Session, *, model_id: int) -> tuple[ModelVersion, str]:
    """The version of a model that was published last with a file, and its key. Raises `NoFile`."""
    rows = select(ModelVersion, ModelVersion.file_key).where(
        ModelVersion.model_id == model_id,
        ModelVersion.published_at.is_not(None),
        ModelVersion.file_key.is_not(None),
    )
    last = rows.order_by(ModelVersion.published_at.desc(), ModelVersion.id.desc()).limit(1)
    found = session.execute(last).one_or_none()
    if found is None:
        raise NoFile(model_id=model_id)
    return found[0], str(found[1])


def unpublished(session: Session, *, model_id: int, version_id: int) -> ModelVersion:
    """A version that nobody has yet, locked. Raises `VersionNotFound` and `VersionPublished`."""
    version = session.get(
        ModelVersion, version_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if version is None or version.model_id != model_id:
        raise VersionNotFound(version_id=version_id)
    if version.published_at is not None:
        # Buyers have it.
        raise VersionPublished(version)
    return version
