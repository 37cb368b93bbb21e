"""A release is noted once, when the first of its workers has started, and again when it is taken back to."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from app.db.sessions import reading, transaction
from app.health.monitor.thread import Monitor
from app.health.releases import service
from app.jobs.ledger.models import Worker

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.usefixtures("database")
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
A_MINUTE = timedelta(minutes=1)


def start(release: str, *, at: datetime) -> None:
    with transaction() as session:
        name = f"{release}-{at.isoformat()}"
        times = {"started_at": at, "seen_at": at}
        session.add(Worker(name=name, node="bulk@here", release=release, concurrency=1, **times))


def noted() -> list[tuple[str, datetime]]:
    with reading() as session:
        found = service.within(
            session, begin=NOON - timedelta(days=9), end=NOON + timedelta(days=9), limit=99
        )
    return [(row.release, row.began_at) for row in reversed(found)]


def test_where_no_worker_is_known_nothing_is_noted() -> None:
    service.note()
    assert noted() == []


def test_a_deploy_is_one_note_however_often_somebody_looks_and_so_is_the_way_back() -> None:
    for minute, release in enumerate(("r1", "r1", "r2", "r2", "r1")):
        start(release, at=NOON + minute * A_MINUTE)
        service.note()
        service.note()
    assert noted() == [("r1", NOON), ("r2", NOON + 2 * A_MINUTE), ("r1", NOON + 4 * A_MINUTE)]


def test_it_began_with_the_first_of_its_workers() -> None:
    start("r1", at=NOON)
    service.note()
    for minute in (2, 1, 3):
        start("r2", at=NOON + minute * A_MINUTE)
    service.note()
    assert noted()[-1] == ("r2", NOON + A_MINUTE)


def test_it_stays_known_when_its_workers_are_gone() -> None:
    start("r1", at=NOON)
    service.note()
    with transaction() as session:
        session.execute(delete(Worker))
    service.note()
    assert noted() == [("r1", NOON)]


def test_of_many_who_look_at_once_one_notes_it() -> None:
    start("r1", at=NOON)
    ready = threading.Barrier(4)

    def at_once(_: int) -> None:
        ready.wait()
        service.note()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(at_once, range(4)))
    assert noted() == [("r1", NOON)]


def test_what_began_longer_ago_than_hours_are_counted_is_forgotten() -> None:
    now = datetime.now(UTC)
    start("r0", at=now - timedelta(days=401))
    service.note()
    start("r1", at=now)
    service.note()
    with transaction() as session:
        service.forget(session)
        left = service.within(session, begin=now - timedelta(days=999), end=now + A_MINUTE, limit=9)
        assert [row.release for row in left] == ["r1"]


def test_the_monitor_of_beat_notes_it_and_that_of_a_worker_does_not(database: Engine) -> None:
    start("r1", at=NOON)
    Monitor().work()
    assert noted() == []
    Monitor(of_ledger=True).work()
    assert noted() == [("r1", NOON)]


@pytest.mark.parametrize("release", ["", "日本語", "x" * 10_000, "<b>\u202e"])
def test_whatever_a_release_is_called_it_is_noted(release: str) -> None:
    start(release, at=NOON)
    for _ in range(2):
        service.note()
    assert noted() == [(release[: service.MAX_NAME], NOON)]
