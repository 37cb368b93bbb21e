"""Pushes the image of a version to Amazon ECR. Nothing here commits but `commit`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.domains.marketplace.catalog.models import ModelVersion, PushState, SoftwareModel
from app.domains.marketplace.images import ecr
from app.domains.marketplace.images.pushing import Target
from app.domains.marketplace.images.pushing import push as push_image
from app.domains.marketplace.version_images import archive, choosing, results
from app.domains.marketplace.version_images.errors import ArchiveLost, OtherImage, ReplacedMeanwhile
from app.domains.marketplace.version_images.progress import Progress
from app.jobs.celery.application import celery_app
from app.settings.config import settings
from app.storage.errors import NoSuchFile

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.marketplace.images.facts import Image, Pushed

PUSH_TASK = "marketplace.push_to_ecr"


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What is to be pushed where, as it was when the job began."""

    model_id: int
    version_id: int
    archive_key: str
    repository: str
    tag: str
    mount_from: str | None
    #: The image that buyers have, who are given no other.
    only: str | None


def request(session: Session, *, model_id: int, version_id: int, tag: str | None) -> str:
    """Have the image of a version pushed; the id of the job, which is the same while one does that.

    Raises `ModelNotFound`, `VersionNotFound` and `NoArchive`.
    """
    version = choosing.to_push(session, model_id=model_id, tag=tag or "", version_id=version_id)
    arguments = {
        "model_id": model_id,
        "image_tag": tag or choosing.tag_of(version.version),
        "version_id": version_id,
    }
    job_id = str(celery_app.send_task(PUSH_TASK, kwargs=arguments).id)
    _note(version, job_id=job_id)
    return job_id


def push(
    session: Session, *, model_id: int, tag: str, version_id: int | None, job_id: str, commit: Checkpoint
) -> dict[str, Any]:
    """Push the image of a version under a tag; what is there by its digest is not sent again.

    Raises what choosing a version, its archive and the registry do, and `ReplacedMeanwhile`.
    """
    version = choosing.to_push(session, model_id=model_id, tag=tag, version_id=version_id)
    _note(version, job_id=job_id)
    work = _work(session, version, tag=tag)
    commit()
    try:
        pushed = _send(work, Progress(commit=commit, doing="pushing"))
    except NoSuchFile:
        _refuse_replaced(session, work)
        raise ArchiveLost(version_id=work.version_id) from None
    version = _refuse_replaced(session, work)
    if version.image_digest != pushed.digest:
        results.forget(session, version)
    image = f"{work.repository}:{tag}"
    version.image, version.image_digest, version.push_state = image, pushed.digest, PushState.PUSHED
    return {
        "version_id": version.id,
        "image": image,
        "digest": pushed.digest,
        "sent": pushed.sent,
        "present": pushed.present,
        "mounted": pushed.mounted,
    }


def _note(version: ModelVersion, *, job_id: str) -> None:
    version.push_job_id = job_id
    # What is in the registry stays there whatever becomes of another push.
    if version.push_state != PushState.PUSHED:
        version.push_state = PushState.PUSHING


def _work(session: Session, version: ModelVersion, *, tag: str) -> _Work:
    model = session.get_one(SoftwareModel, version.model_id)
    return _Work(
        model_id=model.id,
        version_id=version.id,
        archive_key=str(version.archive_key),
        repository=f"{settings().image_repository_prefix}/{model.slug}",
        tag=tag,
        mount_from=_kin(session, model),
        only=version.image_digest if version.published_at else None,
    )


def _kin(session: Session, model: SoftwareModel) -> str | None:
    """Where an image may be that has layers in common: the last one for the same framework."""
    images = (
        select(ModelVersion.image)
        .join(SoftwareModel)
        .where(
            SoftwareModel.framework == model.framework,
            SoftwareModel.id != model.id,
            ModelVersion.push_state == PushState.PUSHED,
        )
    )
    found = session.scalar(images.order_by(ModelVersion.id.desc()).limit(1))
    return found.rpartition(":")[0] if found else None


def _send(work: _Work, progress: Progress) -> Pushed:
    with archive.opened(work.archive_key, tag=work.tag, proceed=progress.go_on) as image:
        _refuse_other(image, work)
        there = ecr.ensure_repository(work.repository)
        target = Target(
            url=ecr.registry().url,
            repository=work.repository,
            tag=work.tag,
            # A token ends after hours; each time it is refused, another is asked for.
            login=lambda: ecr.registry().login,
            mount_from=work.mount_from,
            keeps_tags=there.keeps_tags,
        )
        return push_image(image, target, progress=progress.tell, cancelled=progress.is_cancelled)


def _refuse_other(image: Image, work: _Work) -> None:
    if work.only is not None and image.digest != work.only:
        raise OtherImage(version_id=work.version_id, pushed=work.only, digest=image.digest)


def _refuse_replaced(session: Session, work: _Work) -> ModelVersion:
    """The version, locked, if its archive is still the one that was pushed."""
    version = choosing.locked(session, model_id=work.model_id, version_id=work.version_id)
    if version.archive_key != work.archive_key:
        raise ReplacedMeanwhile(version_id=version.id)
    return version
