"""The tasks of images."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from app.domains.marketplace.scopes import WRITE_CATALOG
from app.domains.marketplace.version_images import pushing, scanning
from app.domains.marketplace.version_images.schemas import ImageTag
from app.errors import Unavailable
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.topology import Queue
from app.values.row_ids import RowId

#: What was sent of an image is not sent again, so that one of any size gets there in some attempts.
PUSH_RETRY = Retry(
    max_attempts=8,
    after_time_limit=True,
    on=(*Retry().on, Unavailable, SoftTimeLimitExceeded),
)
#: Longer than Trivy may take.
TIME_LIMIT_SECONDS = 6_000
#: A scan at the registry is looked for again and again, for about an hour in all.
SCAN_RETRY = Retry(
    max_attempts=40,
    first=timedelta(seconds=15),
    factor=1.3,
    most=timedelta(minutes=2),
    on=(*Retry().on, Unavailable),
)


@task(
    name=pushing.PUSH_TASK,
    queue=Queue.MODELS,
    scope=WRITE_CATALOG,
    public=True,
    retry=PUSH_RETRY,
    unique_while="running",
    concurrency=1,
    time_limit=TIME_LIMIT_SECONDS,
    bind=True,
)
def push_to_ecr(
    self: JobTask, model_id: RowId, image_tag: ImageTag, version_id: RowId | None = None
) -> dict[str, Any]:
    """Push the image of a model's version to Amazon ECR: that of the tag, or the only one with an archive."""
    return pushing.push(
        job_session(),
        model_id=model_id,
        tag=image_tag,
        version_id=version_id,
        job_id=str(self.request.id),
        commit=checkpoint,
    )


@task(
    name=scanning.SCAN_TASK,
    queue=Queue.MODELS,
    scope=WRITE_CATALOG,
    public=True,
    retry=SCAN_RETRY,
    unique_while="running",
    concurrency=1,
    time_limit=TIME_LIMIT_SECONDS,
    bind=True,
)
def scan_model_security(self: JobTask, model_id: RowId, version_id: RowId | None = None) -> dict[str, Any]:
    """Scan the image of a model's version, or of the last one that was pushed, for known weaknesses."""
    return scanning.scan(
        job_session(),
        model_id=model_id,
        version_id=version_id,
        job_id=str(self.request.id),
        commit=checkpoint,
    )
