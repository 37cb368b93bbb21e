"""Versions whose images are pushed and scanned, in this process or by a worker."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction, using
from app.domains.marketplace.catalog import service as catalog
from app.domains.marketplace.catalog import standing
from app.domains.marketplace.catalog.models import ModelVersion, PushState
from app.domains.marketplace.images.findings import Report, Severity, finding
from app.domains.marketplace.images.findings import report as report_of
from app.domains.marketplace.version_images import archive, pushing, scanning
from app.domains.marketplace.version_images.models import ImageFinding
from app.storage.stores import store
from tests.domains.marketplace.images.samples import Layout, noise
from tests.domains.marketplace.market import FACTS, NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.marketplace.catalog.schemas import VersionView

_NUMBERS = itertools.count(1)
LAYER = noise(10_000)


def add_model(**facts: str) -> int:
    """A model without any version; its id."""
    with transaction() as session:
        slug = f"shown-{next(_NUMBERS)}"
        return catalog.create_model(session, slug=slug, facts=FACTS | facts, now=NOW).id


def add_version(model_id: int, version: str = "1.0.0", *layers: bytes) -> int:
    """A version of a model, with an archive where there are layers; its id."""
    with transaction() as session:
        made = catalog.add_version(session, model_id=model_id, version=version, notes="", now=NOW)
    if layers:
        send(made.id, archive_of(*layers))
    return made.id


def with_archive(*layers: bytes, **facts: str) -> ModelVersion:
    """A version that has an archive and is its model's only one."""
    return row(add_version(add_model(**facts), "1.0.0", *(layers or (LAYER,))))


def pushed(digest: str = f"sha256:{'a' * 64}") -> ModelVersion:
    """A version with an archive whose image is said to be in the registry."""
    version = with_archive()
    note(version.id, image="models/shown:1.0.0", image_digest=digest, push_state=PushState.PUSHED)
    return row(version.id)


def note(version_id: int, **facts: Any) -> None:
    """Write facts of a version as they are."""
    with transaction() as session:
        session.execute(update(ModelVersion).where(ModelVersion.id == version_id).values(**facts))


def archive_of(*layers: bytes, tag: str = "") -> bytes:
    layout = Layout()
    layout.image(*layers, tag=tag)
    return layout.tar().getvalue()


def send(version_id: int, content: bytes) -> str | None:
    """Send an archive, as the route does; the key of the one that it replaces."""
    model_id = row(version_id).model_id
    with transaction() as session:
        key = archive.new_key(session, model_id=model_id, version_id=version_id)
    stored = store().put(key, [content], limit=archive.LIMIT)
    with transaction() as session:
        return archive.attach(session, model_id=model_id, version_id=version_id, stored=stored)[1]


def row(version_id: int) -> ModelVersion:
    with reading() as session:
        return session.get_one(ModelVersion, version_id)


def seen(version_id: int) -> VersionView:
    """A version as the API shows it."""
    with reading() as session:
        return standing.shown(session, session.get_one(ModelVersion, version_id))


def findings(version_id: int) -> list[ImageFinding]:
    with reading() as session:
        rows = select(ImageFinding).where(ImageFinding.version_id == version_id)
        return list(session.scalars(rows.order_by(ImageFinding.id)))


def push(model_id: int, tag: str = "1.0.0", version_id: int | None = None, **more: Any) -> dict[str, Any]:
    """Push in this process, as a job does."""
    return _run(pushing.push, model_id=model_id, tag=tag, version_id=version_id, **more)


def scan(model_id: int, version_id: int | None = None, **more: Any) -> dict[str, Any]:
    """Scan in this process, as a job does."""
    return _run(scanning.scan, model_id=model_id, version_id=version_id, **more)


def _run(
    service: Callable[..., dict[str, Any]],
    *,
    meanwhile: Callable[[Any], object] = lambda progress: None,
    **arguments: Any,
) -> dict[str, Any]:
    """What a job does; `meanwhile` is called after each of its commits, with the progress that is shown."""
    with Session(engine(), expire_on_commit=False) as session, using(session):

        def commit(progress: Any = None) -> None:
            session.commit()
            meanwhile(progress)

        done = service(session, job_id="job", commit=commit, **arguments)
        session.commit()
        return done


def publish(version: ModelVersion) -> None:
    with transaction() as session:
        catalog.publish_version(session, model_id=version.model_id, version_id=version.id, now=NOW)


def report(*severities: Severity) -> Report:
    """What a scan comes to that finds a weakness of each of these severities."""
    none = dict.fromkeys(("package", "installed", "fixed", "title"), "")
    found = [finding(severity=one, known_as=f"CVE-{number}", **none) for number, one in enumerate(severities)]
    return report_of("tests", found)
