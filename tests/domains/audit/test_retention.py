"""Old records go in batches, and into the archive before that."""

from __future__ import annotations

import gzip
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import transaction
from app.domains.audit import retention
from app.domains.audit.archive import ArchiveNotWritten
from app.domains.audit.models import Operation
from app.domains.audit.retention import InvalidDays
from app.domains.audit.tasks import delete_login_log, delete_operation_log
from app.jobs.declaration import registry
from app.jobs.ledger.models import State
from app.schedule.spec import cron
from tests.checkpoints import committing
from tests.domains.audit.log import count, operations, record, write
from tests.jobs.running import job_of
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fleet import Fleet

pytestmark = pytest.mark.usefixtures("database")
DAY = 86_400 * 10**9


def days_ago(days: float, **values: Any) -> dict[str, Any]:
    return record(at=int(time.time_ns() - days * DAY), **values)


def prune(days: int | None = None) -> int:
    with open_session() as session:
        return retention.prune_log(session, Operation, days=days, commit=committing(session))


def open_session() -> Session:
    return Session(engine(), expire_on_commit=False)


def archived(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            yield json.loads(line)


def test_what_is_older_goes_in_batches_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    write(*(days_ago(number, path=f"/{number}") for number in range(1, 11)), days_ago(2.5, path="/x"))
    assert prune(days=3) == 8
    assert [row.path for row in operations()] == ["/x", "/2", "/1"]
    assert prune(days=3) == 0


def test_the_setting_says_how_long_records_are_kept(configure: Callable[..., None]) -> None:
    configure(audit_days=10)
    write(days_ago(9), days_ago(11))
    assert prune() == 1


@pytest.mark.parametrize("days", [0, -1, 36_501, 10**30, 1.5, float("nan"), True, "7", "\x00"])
def test_days_that_are_none_are_refused_in_a_sentence(days: Any) -> None:
    write(days_ago(400))
    with pytest.raises(InvalidDays, match=r"^Records cannot be kept for .* days: give a whole number from 1"):
        prune(days=days)
    assert count() == 1


def test_each_record_is_in_the_archive_before_it_is_deleted(
    configure: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made" / "archive"
    configure(audit_archive_folder=folder)
    monkeypatch.setattr(retention, "BATCH", 2)
    write(*(days_ago(30 - number, path=f"/{number}/字", arguments={"a": [1]}) for number in range(5)))
    assert prune(days=7) == 5
    lines = list(archived(folder))
    assert [line["path"] for line in lines] == [f"/{number}/字" for number in range(5)]
    assert lines[0]["arguments"] == {"a": [1]}
    assert len(list(folder.iterdir())) == 3
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert count() == 0


def test_a_run_that_ends_before_its_commit_is_repeated_without_a_second_copy(
    configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(audit_archive_folder=tmp_path)
    write(*(days_ago(30, path=f"/{number}") for number in range(5)))

    def power_cut(_progress: object = None, /) -> None:
        raise KeyboardInterrupt

    with open_session() as session, pytest.raises(KeyboardInterrupt):
        retention.prune_log(session, Operation, days=7, commit=power_cut)
    assert count() == 5
    assert prune(days=7) == 5
    assert sorted(line["path"] for line in archived(tmp_path)) == [f"/{number}" for number in range(5)]


def test_an_archive_that_takes_nothing_keeps_the_records(
    configure: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    configure(audit_archive_folder=tmp_path / "file")
    write(days_ago(30))
    with pytest.raises(
        ArchiveNotWritten, match=r"file cannot be written: .* Nothing of this batch is deleted"
    ):
        prune(days=7)
    assert count() == 1


def test_both_logs_are_pruned_every_day() -> None:
    schedules = [registry.spec_of(task.name).schedule for task in (delete_operation_log, delete_login_log)]
    assert schedules == [cron("50 3 * * *"), cron("55 3 * * *")]


def test_a_worker_prunes_a_log_twice_with_one_effect(fleet: Fleet) -> None:
    write(days_ago(30), days_ago(1))
    with transaction():
        ids = [delete_operation_log.delay(days=7).id for _ in range(2)]
    fleet.start_worker(queues="maintenance", processes=1)
    wait_until(lambda: all(job_of(one).state == State.DONE for one in ids), seconds=20, what="both are done")
    assert sorted(str(job_of(one).result) for one in ids) == ["{'deleted': 0}", "{'deleted': 1}"]
    assert count() == 1
