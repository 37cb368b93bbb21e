"""Exports: asked for, made, opened once, purged. Nothing here commits but `commit`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from app.db.clock import now
from app.db.sessions import reading
from app.db.upsert import insert_or_update
from app.domains.accounts.service import lock_person, person
from app.domains.audit.service import note_operation
from app.domains.privacy.erasing import subject
from app.domains.privacy.errors import (
    AlreadyErased,
    ErasedMeanwhile,
    ExportNotFound,
    ExportNotReady,
    ExportRunning,
    PassphraseWasShown,
)
from app.domains.privacy.exporting.archive import chunks_of, new_passphrase, write_archive
from app.domains.privacy.models import Erasure, Export, ExportState, Format
from app.jobs.celery.application import celery_app
from app.outbound.mail.service import queue_mail
from app.storage.links import link
from app.storage.stores import store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.storage.files import Stored

EXPORT_TASK = "privacy.export_customer_data"
#: As long as a link can be good.
KEPT_FOR = timedelta(days=7)
MAX_BYTES = 20 * 2**30
MEDIA_TYPE = "application/zip"
BATCH = 100


def request(session: Session, *, user_id: int, kind: Format, requested_by: str) -> tuple[Export, str]:
    """Have a person's data exported; the export, and its job's id.

    Raises `UserNotFound`, `AlreadyErased`, and `ExportRunning` while another one is made.
    """
    export = _start(session, user_id=user_id, kind=kind, requested_by=requested_by)
    arguments = {"user_id": user_id, "format": kind.value}
    job = celery_app.send_task(EXPORT_TASK, kwargs=arguments, key=f"export:{export.id}")
    return export, str(job.id)


def make(session: Session, *, user_id: int, kind: Format, requested_by: str, commit: Checkpoint) -> Export:
    """Make the export that waits for the person; one that nobody asked for before is begun here."""
    export = _waiting(session, user_id=user_id)
    export = export or _start(session, user_id=user_id, kind=kind, requested_by=requested_by)
    commit()
    stored = _store(export)
    # Whoever erases the person waits for this lock, or was first.
    lock_person(session, user_id=user_id)
    this = session.get(Export, export.id, with_for_update=True, populate_existing=True)
    if this is None or session.get(Erasure, user_id) is not None:
        store().delete(stored.key)
        raise ErasedMeanwhile(user_id=user_id)
    if this.state == ExportState.WAITING:
        _finish(session, this, stored)
    return this


def exports_of(session: Session, *, user_id: int) -> list[Export]:
    """The exports of a person, the newest first."""
    mine = select(Export).where(Export.user_id == user_id)
    return list(session.scalars(mine.order_by(Export.id.desc()).limit(BATCH)))


def take_passphrase(session: Session, *, user_id: int, export_id: int) -> str:
    """The passphrase of an archive, once. Raises `ExportNotFound`, `ExportNotReady`, `PassphraseWasShown`."""
    export = session.get(Export, export_id, with_for_update=True, populate_existing=True)
    if export is None or export.user_id != user_id:
        raise ExportNotFound(export_id=export_id)
    if export.state != ExportState.READY:
        raise ExportNotReady(export_id=export_id, state=export.state)
    if export.passphrase is None:
        raise PassphraseWasShown(export_id=export_id)
    passphrase, export.passphrase = export.passphrase, None
    return passphrase


def purge(session: Session, *, commit: Checkpoint) -> int:
    """Delete the archives whose time has passed; how many."""
    total = 0
    old = select(Export).where(Export.state == ExportState.READY, Export.expires_at < now(session))
    while exports := session.scalars(old.order_by(Export.id).limit(BATCH).with_for_update()).all():
        for export in exports:
            delete_archive(export)
            export.state, export.passphrase = ExportState.PURGED, None
        commit()
        total += len(exports)
    return total


def delete_archive(export: Export) -> None:
    """Delete what an export stored, or is about to store."""
    store().delete(_key(export))


def _start(session: Session, *, user_id: int, kind: Format, requested_by: str) -> Export:
    person(session, user_id=user_id)
    lock_person(session, user_id=user_id)
    if session.get(Erasure, user_id) is not None:
        raise AlreadyErased(user_id=user_id)
    statement = insert_or_update(session, Export).values(
        user_id=user_id,
        format=kind,
        state=ExportState.WAITING,
        requested_by=requested_by,
        requested_at=now(session),
        passphrase=new_passphrase(),
    )
    made = statement.on_conflict_do_nothing(
        index_elements=[Export.user_id], index_where=text("state = 'waiting'")
    )
    export_id = session.scalar(made.returning(Export.id))
    if export_id is None:
        raise ExportRunning(user_id=user_id)
    note_operation(
        session, title="Export a person's data", path=f"privacy/exports/{export_id}", user_name=requested_by
    )
    return session.get_one(Export, export_id)


def _waiting(session: Session, *, user_id: int) -> Export | None:
    found = select(Export).where(Export.user_id == user_id, Export.state == ExportState.WAITING)
    return session.scalar(found)


def _store(export: Export) -> Stored:
    """Write the archive on disk, and store it; no transaction that writes is open meanwhile."""
    with TemporaryDirectory(prefix="groundwork-export-") as folder, reading() as session:
        path = Path(folder) / "archive.zip"
        who = subject(session, user_id=export.user_id)
        write_archive(path, session, who, kind=Format(export.format), passphrase=export.passphrase or "")
        return store().put(_key(export), chunks_of(path), limit=MAX_BYTES)


def _finish(session: Session, export: Export, stored: Stored) -> None:
    ready = now(session)
    export.state, export.stored_as = ExportState.READY, stored.key
    export.size, export.sha256 = stored.size, stored.sha256
    export.ready_at, export.expires_at = ready, ready + KEPT_FOR
    url = link(stored.key, filename=f"export-{export.id}.zip", media_type=MEDIA_TYPE, expires=KEPT_FOR)
    until = f"{export.expires_at:%Y-%m-%d %H:%M} UTC"
    queue_mail(
        session,
        key=f"export:{export.id}",
        to=[person(session, user_id=export.user_id).email],
        template="privacy/export_ready",
        context={"link": url, "until": until},
        sealed=True,
    )


def _key(export: Export) -> str:
    return f"exports/{export.user_id}/{export.id}.zip"
