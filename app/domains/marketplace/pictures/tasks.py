"""The task of pictures."""

from __future__ import annotations

from celery.exceptions import SoftTimeLimitExceeded

from app.domains.marketplace.pictures import service
from app.domains.marketplace.pictures.errors import SlowPicture
from app.domains.marketplace.pictures.limits import KILLED_AFTER, MAX_TIME
from app.domains.marketplace.scopes import WRITE_CATALOG
from app.errors import Unavailable
from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.settings.business_clock import business_now
from app.topology import Queue
from app.values.row_ids import RowId


@task(
    name=service.THUMBNAIL_TASK,
    queue=Queue.MODELS,
    scope=WRITE_CATALOG,
    public=True,
    retry=Retry(on=(*Retry().on, Unavailable)),
    soft_time_limit=MAX_TIME.total_seconds(),
    time_limit=KILLED_AFTER.total_seconds(),
)
def generate_model_thumbnail(model_id: RowId, image_path: str) -> dict[str, int]:
    """Make the thumbnails of a model's picture; `image_path` is its key, as whoever sent it was told."""
    try:
        made = service.make_thumbnails(
            job_session(), model_id=model_id, key=image_path, now=business_now(), commit=checkpoint
        )
    except SoftTimeLimitExceeded:
        raise SlowPicture from None
    return {"thumbnails": made}
