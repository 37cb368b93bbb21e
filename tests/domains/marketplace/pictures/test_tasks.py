"""The task of thumbnails, run by real workers: the same again is the same, whatever becomes of its worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.celery_app import send_task
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.marketplace.catalog.models import ModelMedia, SoftwareModel
from app.domains.marketplace.pictures import service
from app.domains.marketplace.pictures.limits import KILLED_AFTER, MAX_BYTES, MAX_TIME
from app.domains.marketplace.pictures.tasks import generate_model_thumbnail
from app.jobs.declaration.registry import tasks as declared
from app.storage.stores import store
from app.topology import Queue
from tests.domains.marketplace.market import add_model
from tests.domains.marketplace.pictures.samples import lying, png
from tests.jobs.running import job_of
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")
SECONDS = 60
TASK = "app.tasks.models.generate_model_thumbnail"


@pytest.fixture
def files(configure: Callable[..., None], tmp_path: Path) -> Path:
    """Where files are kept."""
    configure(storage=tmp_path / "files")
    return tmp_path / "files"


def add_picture(model_id: int, content: bytes) -> tuple[str, str]:
    """A picture as the API takes it; its key, and the job that makes its thumbnails."""
    with transaction() as session:
        key = service.new_key(session, model_id=model_id)
        stored = store().put(key, [content], limit=MAX_BYTES)
        job_id, _ = service.attach(session, model_id=model_id, stored=stored)
    return key, job_id


def wait_for(job_id: str, state: str = "done") -> None:
    wait_until(lambda: job_of(job_id).state == state, seconds=SECONDS, what=f"the job is {state}")


def named() -> dict[str, str]:
    """The files that rows name, by what they show."""
    with reading() as session:
        return {one.storage_key: one.sha256 for one in session.scalars(select(ModelMedia))}


def kept(files: Path) -> set[str]:
    return {str(path.relative_to(files)) for path in files.glob("models/**/*") if path.is_file()}


def test_the_task_has_its_queue_and_its_limits() -> None:
    spec = declared()[generate_model_thumbnail.name]
    assert (spec.queue, spec.public, spec.scope) == (Queue.MODELS, True, "catalog:write")
    assert generate_model_thumbnail.soft_time_limit == MAX_TIME.total_seconds()
    assert generate_model_thumbnail.time_limit == KILLED_AFTER.total_seconds()


def test_thumbnails_are_made_as_documents_show_and_a_second_time_they_are_the_same(
    files: Path, fleet: Fleet
) -> None:
    fleet.start_worker(queues="models")
    model = add_model()
    key, job_id = add_picture(model, lying())
    wait_for(job_id)
    before = named()
    assert send_task(TASK, model, key).get(timeout=SECONDS) == {"thumbnails": 6}
    assert (len(before), named()) == (6, before)
    assert kept(files) == set(before) | {key}
    hidden = store().put("exports/7.zip", [b"secret"], limit=10).key
    for path, sentence in (
        ("/etc/passwd", "is no key of a file"),
        ("../../../etc/passwd", "is no key of a file"),
        (f"models/{model}/pictures/../../../{hidden}", "is no key of a file"),
        (hidden, "is no picture of model"),
        (f"models/{model + 1}/pictures/x", "is no picture of model"),
        ("", "is no key of a file"),
        ("x" * 100_000, "is no key of a file"),
        ("models/\x00", "is no key of a file"),
    ):
        with pytest.raises(Exception, match=sentence):
            send_task(TASK, model, path).get(timeout=SECONDS)
    with pytest.raises(Exception, match="no model with the id 4711"):
        send_task(TASK, 4_711, "models/4711/pictures/x").get(timeout=SECONDS)
    _, broken = add_picture(model, png(50, 50))
    wait_for(broken, "dead")
    assert "its end is missing" in str(job_of(broken).error)
    assert named() == before, "what was shown is shown until there is something else"


def test_a_job_whose_worker_dies_in_the_middle_leaves_no_file_too_many(files: Path, fleet: Fleet) -> None:
    model = add_model()
    key, job_id = add_picture(model, lying())
    with engine().connect() as other:
        # The worker stores all files, and waits here to name them.
        other.execute(select(SoftwareModel).where(SoftwareModel.id == model).with_for_update())
        first = fleet.start_worker("first", queues="models")
        wait_until(lambda: len(kept(files)) == 7, seconds=SECONDS, what="the files are there")
        first.kill()
    assert named() == {}
    fleet.start_beat()
    fleet.start_worker("second", queues="models")
    wait_for(job_id)
    assert (job_of(job_id).attempt, job_of(job_id).result) == (2, {"thumbnails": 6})
    assert kept(files) == set(named()) | {key}
