"""Has the image of a version looked through for weaknesses. Nothing here commits but `commit`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from app.db.clock import now
from app.domains.marketplace.catalog.models import ModelVersion, ScanState
from app.domains.marketplace.images import ecr, trivy
from app.domains.marketplace.images.errors import ScanUnavailable
from app.domains.marketplace.version_images import archive, choosing, oci_folder, results
from app.domains.marketplace.version_images.errors import (
    ArchiveDiffers,
    ArchiveLost,
    ReplacedMeanwhile,
    ScanUnfinished,
)
from app.domains.marketplace.version_images.progress import Progress
from app.jobs.celery.application import celery_app
from app.settings.config import settings
from app.storage.errors import NoSuchFile

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.marketplace.images.findings import Report

SCAN_TASK = "marketplace.scan_model_security"
#: How often Amazon ECR scans an image when it is asked to. Source: its User Guide, "Scanning images".
ONCE_IN = timedelta(hours=24)
#: A scan takes a minute or so.
LOOKED_FOR_EVERY = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What is to be scanned, as it was when the job began."""

    model_id: int
    version_id: int
    repository: str
    tag: str
    digest: str
    archive_key: str


def request(session: Session, *, model_id: int, version_id: int) -> str:
    """Have the image of a version scanned; the id of the job, which is the same while one does that.

    Raises `ModelNotFound`, `VersionNotFound` and `NotPushed`.
    """
    version = choosing.to_scan(session, model_id=model_id, version_id=version_id)
    arguments = {"model_id": model_id, "version_id": version_id}
    job_id = str(celery_app.send_task(SCAN_TASK, kwargs=arguments).id)
    _note(version, job_id=job_id)
    return job_id


def scan(
    session: Session, *, model_id: int, version_id: int | None, job_id: str, commit: Checkpoint
) -> dict[str, Any]:
    """Scan the image of a version by Trivy where that is set up, else by Amazon ECR, and keep what it found.

    Raises what choosing a version, its archive and the scanner do, `ReplacedMeanwhile` and `ScanUnfinished`.
    """
    version = choosing.to_scan(session, model_id=model_id, version_id=version_id)
    _note(version, job_id=job_id)
    work = _work(version)
    commit()
    if trivy.is_configured():
        report = _by_trivy(work, commit, job_id=job_id)
    else:
        report = _by_ecr(session, work, commit)
    version = choosing.locked(session, model_id=work.model_id, version_id=work.version_id)
    if version.image_digest != work.digest:
        raise ReplacedMeanwhile(version_id=work.version_id)
    results.keep(session, version, report, now=now(session))
    return {
        "version_id": version.id,
        "digest": work.digest,
        "scanner": report.scanner,
        "scan_state": version.scan_state,
        "found": {severity.value: count for severity, count in report.counts.items()},
    }


def _note(version: ModelVersion, *, job_id: str) -> None:
    version.scan_job_id = job_id
    # What is known stays known until something else is.
    if version.scan_state not in (ScanState.PASSED, ScanState.BLOCKED):
        version.scan_state = ScanState.SCANNING


def _work(version: ModelVersion) -> _Work:
    repository, _, tag = str(version.image).rpartition(":")
    return _Work(
        model_id=version.model_id,
        version_id=version.id,
        repository=repository,
        tag=tag,
        digest=str(version.image_digest),
        archive_key=str(version.archive_key),
    )


def _by_trivy(work: _Work, commit: Checkpoint, *, job_id: str) -> Report:
    waiting = Progress(commit=commit, doing="scanning")
    root = settings().trivy_cache_folder / "groundwork-images"
    try:
        with oci_folder.scratch(root, name=job_id) as folder:
            _unpack(work, folder, Progress(commit=commit, doing="unpacking"))
            commit({"doing": "scanning"})
            return trivy.scan(folder, proceed=waiting.go_on)
    except OSError as error:
        problem = f"The image cannot be written below {root} to be scanned ({error.strerror})"
        raise ScanUnavailable(f"{problem}. Make room there, or set GROUNDWORK_TRIVY_CACHE_FOLDER.") from None


def _unpack(work: _Work, folder: Path, progress: Progress) -> None:
    try:
        with archive.opened(work.archive_key, tag=work.tag, proceed=progress.go_on) as image:
            if image.digest != work.digest:
                raise ArchiveDiffers(version_id=work.version_id, digest=image.digest, pushed=work.digest)
            oci_folder.write(image, folder, progress=progress.tell)
    except NoSuchFile:
        raise ArchiveLost(version_id=work.version_id) from None


def _by_ecr(session: Session, work: _Work, commit: Checkpoint) -> Report:
    since = session.get_one(ModelVersion, work.version_id).scan_started_at
    if since is None or now(session) - since >= ONCE_IN:
        commit()
        ecr.start_scan(repository=work.repository, digest=work.digest)
        since = now(session)
        # Not of another image that has taken its place.
        this = update(ModelVersion).where(
            ModelVersion.id == work.version_id, ModelVersion.image_digest == work.digest
        )
        session.execute(this.values(scan_started_at=since))
    commit({"doing": "scanning"})
    report = ecr.report(repository=work.repository, digest=work.digest)
    if report is None:
        raise ScanUnfinished(digest=work.digest, since=since, after=LOOKED_FOR_EVERY)
    return report
