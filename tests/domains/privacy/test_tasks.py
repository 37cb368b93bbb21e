"""The tasks of privacy, run by real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.privacy.exporting import service as exporting
from app.domains.privacy.models import Erasure, Export, ExportState, Format
from app.jobs.celery.application import celery_app
from app.jobs.ledger.models import Job, State
from app.storage.stores import store
from app.topology import Queue
from tests.domains.privacy import someone
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")


def start_worker(fleet: Fleet, name: str) -> Process:
    return fleet.start_worker(name, queues=",".join(Queue))


def test_a_worker_erases_and_one_that_died_is_taken_over_from(fleet: Fleet) -> None:
    ann = someone.everything("canary-ann")
    first = start_worker(fleet, "first")
    job_id = someone.confirm(ann)
    wait_until(lambda: begun(ann.user), seconds=60, what="the erasure has begun")
    first.kill()
    start_worker(fleet, "second")
    fleet.start_beat()
    wait_until(lambda: state(job_id) == State.DONE, seconds=60, what="the erasure is done")
    with reading() as session:
        assert session.get_one(Job, job_id).result == session.get_one(Erasure, ann.user).report
        assert session.get_one(Erasure, ann.user).finished_at is not None
    left = someone.tables_with("canary-ann")
    assert not left & {"account_user", "notification", "bank_transaction", "delivery", "integration"}


def test_a_worker_makes_one_export_though_another_died(
    fleet: Fleet, tmp_path: Path, configure: Callable[..., None]
) -> None:
    configure(storage=str(tmp_path / "store"))
    ann = someone.everything("canary-ann")
    first = start_worker(fleet, "first")
    with transaction() as session:
        export, job_id = exporting.request(session, user_id=ann.user, kind=Format.JSON, requested_by="test")
    wait_until(lambda: state(job_id) != State.READY, seconds=60, what="the export has begun")
    first.kill()
    start_worker(fleet, "second")
    fleet.start_beat()
    wait_until(lambda: state(job_id) == State.DONE, seconds=60, what="the export is made")
    with reading() as session:
        (made,) = session.scalars(select(Export).where(Export.state == ExportState.READY)).all()
    assert (made.id, made.size) == (export.id, store().size(made.stored_as or ""))
    assert result_of("privacy.purge_exports") == 0


def result_of(name: str) -> object:
    """What a job of a task without arguments ends with."""
    with transaction():
        job_id = celery_app.send_task(name).id
    wait_until(lambda: state(job_id) == State.DONE, seconds=60, what=f"{name} is done")
    with reading() as session:
        return session.get_one(Job, job_id).result


def begun(user_id: int) -> bool:
    with reading() as session:
        return session.get_one(Erasure, user_id).severed_at is not None


def state(job_id: str) -> str:
    with reading() as session:
        return session.get_one(Job, job_id).state
