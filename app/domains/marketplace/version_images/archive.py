"""The archives of images, which the store keeps as they were sent. Nothing here commits."""

from __future__ import annotations

import io
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.domains.marketplace.catalog.files import GIB, unpublished
from app.domains.marketplace.catalog.models import PushState
from app.domains.marketplace.images import archives
from app.domains.marketplace.version_images import results
from app.domains.marketplace.version_images.stored_stream import StoredStream
from app.storage.stores import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from app.domains.marketplace.catalog.models import ModelVersion
    from app.domains.marketplace.images.facts import Image
    from app.storage.files import Stored

LIMIT = 20 * GIB
#: Headers of a tar file are small, and next to each other more often than not.
BUFFER_BYTES = 64 * 1024


def new_key(session: Session, *, model_id: int, version_id: int) -> str:
    """Where an archive is to be kept: each that is sent has a place of its own.

    Raises `VersionNotFound` and `VersionPublished`.
    """
    unpublished(session, model_id=model_id, version_id=version_id)
    return f"images/{model_id}/{version_id}/{secrets.token_hex(8)}"


def attach(
    session: Session, *, model_id: int, version_id: int, stored: Stored
) -> tuple[ModelVersion, str | None]:
    """Make a stored archive that of a version; the version, and the key of the archive that it had before.

    Nothing is known of the new image yet. Raises `VersionNotFound` and `VersionPublished`.
    """
    version = unpublished(session, model_id=model_id, version_id=version_id)
    replaced = version.archive_key
    version.archive_key, version.archive_size = stored.key, stored.size
    version.archive_sha256 = stored.sha256
    version.image = version.image_digest = None
    version.push_state = PushState.NONE
    results.forget(session, version)
    return version, replaced


@contextmanager
def opened(key: str, *, tag: str, proceed: Callable[[], None]) -> Iterator[Image]:
    """The image of that tag in a stored archive. Raises `UnusableArchive`, and what the store does."""
    with (
        io.BufferedReader(StoredStream(store(), key), BUFFER_BYTES) as stream,
        archives.opened(stream, tag=tag, proceed=proceed) as image,
    ):
        yield image
