"""Takes pictures of models, and has their thumbnails made. Nothing here commits but by what it is given.

A model has one picture: another takes its place, and the thumbnails of that take the place of the former
ones. Each picture has keys of its own, so that a job that comes again writes the same files, and one that
comes too late deletes none that are shown.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.upsert import insert_or_update
from app.domains.marketplace.catalog.models import MediaKind, ModelMedia, SoftwareModel
from app.domains.marketplace.catalog.service import find_model
from app.domains.marketplace.pictures.errors import NoPictureOfModel
from app.domains.marketplace.pictures.limits import MAX_BYTES
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.storage.errors import NoSuchFile
from app.storage.files import checked_key
from app.storage.stores import store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.marketplace.pictures.decoding import Thumbnail
    from app.storage.files import Stored

THUMBNAIL_TASK = "marketplace.generate_model_thumbnail"
_KEY = (ModelMedia.model_id, ModelMedia.kind, ModelMedia.media_type, ModelMedia.width)


def new_key(session: Session, *, model_id: int) -> str:
    """Where a picture of a model is to be kept. Raises `ModelNotFound`."""
    find_model(session, model_id=model_id)
    return f"{_folder(model_id)}{secrets.token_hex(8)}"


def refuse_unusable(key: str) -> None:
    """Raise `UnusablePicture` for a stored file of which no thumbnails can be made."""
    # Pillow is loaded by who needs it, not by all services at their start.
    from app.domains.marketplace.pictures import decoding

    decoding.refuse_unusable(_content(key))


def attach(session: Session, *, model_id: int, stored: Stored) -> tuple[str, str | None]:
    """Make a stored file the picture of a model; the id of the job that makes its thumbnails, and the key
    of the picture that it had before.

    Raises `ModelNotFound`.
    """
    model = find_model(session, model_id=model_id, locked=True)
    replaced, model.picture_key = model.picture_key, stored.key
    named = {"model_id": model_id, "image_path": stored.key}
    [job] = accept(session, [new_job(THUMBNAIL_TASK, kwargs=named)])
    return job.id, replaced


def make_thumbnails(session: Session, *, model_id: int, key: str, now: datetime, commit: Checkpoint) -> int:
    """Make the thumbnails of a model's picture; how many, none of one whose place another has taken.

    Raises `ModelNotFound`, `UnusableKey`, `NoPictureOfModel` and `UnusablePicture`.
    """
    if not checked_key(key).startswith(_folder(model_id)):
        raise NoPictureOfModel(key=key, model_id=model_id)
    if not _is_shown(session, model_id=model_id, key=key):
        return 0
    # Nothing is held in the database while a picture is decoded.
    commit()
    try:
        content = _content(key)
    except NoSuchFile:
        if _is_shown(session, model_id=model_id, key=key):
            raise
        return 0
    # As above.
    from app.domains.marketplace.pictures.decoding import thumbnails_of

    made = _stored(thumbnails_of(content), model_id=model_id, key=key, now=now)
    forgotten = _put_in_place(session, made, model_id=model_id, key=key)
    commit()
    for one in forgotten:
        store().delete(one)
    return sum(row["storage_key"] not in forgotten for row in made)


def media_of(session: Session, *, model_id: int) -> Sequence[ModelMedia]:
    """The pictures of a model that are shown, the smallest first."""
    rows = select(ModelMedia).where(ModelMedia.model_id == model_id)
    return session.scalars(rows.order_by(ModelMedia.kind, ModelMedia.width, ModelMedia.media_type)).all()


def _put_in_place(session: Session, made: Sequence[dict[str, Any]], *, model_id: int, key: str) -> list[str]:
    """Write the rows of thumbnails; the keys of files that no row names from then on."""
    if find_model(session, model_id=model_id, locked=True).picture_key != key:
        return [row["storage_key"] for row in made]
    of_model = (ModelMedia.model_id == model_id) & (ModelMedia.kind == MediaKind.THUMBNAIL)
    before = set(session.scalars(select(ModelMedia.storage_key).where(of_model)))
    statement = insert_or_update(session, ModelMedia)
    changed = {name: statement.excluded[name] for name in made[0].keys() - {one.key for one in _KEY}}
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=_KEY, set_=changed), list(made)
    )
    return sorted(before - {row["storage_key"] for row in made})


def _stored(
    thumbnails: Sequence[Thumbnail], *, model_id: int, key: str, now: datetime
) -> list[dict[str, Any]]:
    """Store the files of thumbnails; the rows that name them."""
    rows = []
    for one in thumbnails:
        name = f"{key.rpartition('/')[2]}-{one.side}.{one.media_type.partition('/')[2]}"
        file = store().put(f"models/{model_id}/thumbnails/{name}", [one.content], limit=MAX_BYTES)
        rows.append(
            {
                "model_id": model_id,
                "kind": MediaKind.THUMBNAIL,
                "media_type": one.media_type,
                "width": one.side,
                "height": one.side,
                "storage_key": file.key,
                "size": file.size,
                "sha256": file.sha256,
                "created_at": now,
            }
        )
    return rows


def _is_shown(session: Session, *, model_id: int, key: str) -> bool:
    find_model(session, model_id=model_id)
    return session.scalar(select(SoftwareModel.picture_key).where(SoftwareModel.id == model_id)) == key


def _content(key: str) -> bytes:
    """A file of the store; of one that is too large, more than is taken."""
    content = bytearray()
    for chunk in store().chunks(key):
        content += chunk
        if len(content) > MAX_BYTES:
            break
    return bytes(content)


def _folder(model_id: int) -> str:
    return f"models/{model_id}/pictures/"
