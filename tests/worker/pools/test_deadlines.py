"""The time limits of a pool's jobs: each is told once, and what has ended leaves nothing behind."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from kombu.asynchronous import Hub

from app.worker.pools.deadlines import Deadlines
from app.worker.pools.prefork import WatchedPool
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3600.0


@pytest.fixture
def hub() -> Iterator[Hub]:
    with closing(Hub()) as made:
        yield made


class Watch:
    """Deadlines on a loop that turns only while somebody waits, and what they told."""

    def __init__(self, hub: Hub) -> None:
        self.told: list[tuple[str, str]] = []
        self.deadlines = Deadlines(lambda job, limit: self.told.append((job, limit)))
        self.deadlines.attach(hub)
        hub.call_repeatedly(0.01, int)
        self._loop = hub.create_loop()

    def wait_for(self, count: int) -> None:
        def are_told() -> bool:
            next(self._loop)
            return len(self.told) >= count

        wait_until(are_told, seconds=5, what=f"{count} deadlines are told of")

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            next(self._loop)


def test_they_are_told_in_the_order_in_which_they_are_due(hub: Hub) -> None:
    watch = Watch(hub)
    watch.deadlines.set("late", soft=0.3)
    watch.deadlines.set("early", soft=0.1, hard=0.2)
    watch.wait_for(3)
    assert watch.told == [("early", "soft"), ("early", "hard"), ("late", "soft")]


def test_each_is_told_once(hub: Hub) -> None:
    watch = Watch(hub)
    watch.deadlines.set("one", soft=0.01)
    watch.wait_for(1)
    watch.deadlines.set("another", soft=0.05)
    watch.wait(0.2)
    assert watch.told == [("one", "soft"), ("another", "soft")]


def test_what_has_ended_is_not_told_of(hub: Hub) -> None:
    watch = Watch(hub)
    watch.deadlines.set("ended", soft=0.05, hard=0.1)
    watch.deadlines.set("goes on", hard=0.15)
    watch.deadlines.cancel("ended")
    watch.wait_for(1)
    assert watch.told == [("goes on", "hard")]


def test_a_limit_that_is_none_is_no_limit(hub: Hub) -> None:
    watch = Watch(hub)
    watch.deadlines.set("free", soft=None, hard=None)
    watch.wait(0.05)
    assert watch.told == []


def test_one_that_is_ended_by_what_another_told_is_not_told_of(hub: Hub) -> None:
    watch = Watch(hub)

    def hear(job: str, limit: str) -> None:
        watch.told.append((job, limit))
        watch.deadlines.cancel("second")

    watch.deadlines = Deadlines(hear)
    watch.deadlines.attach(hub)
    watch.deadlines.set("first", soft=0.01)
    watch.deadlines.set("second", soft=0.01)
    watch.wait(0.1)
    assert watch.told == [("first", "soft")]


def test_a_loop_that_has_forgotten_everything_is_told_anew(hub: Hub) -> None:
    watch = Watch(hub)
    watch.deadlines.set("one", soft=0.05)
    hub.timer.clear()
    hub.call_repeatedly(0.01, int)
    watch.deadlines.attach(hub)
    watch.wait_for(1)


def test_jobs_that_have_ended_leave_no_timers_behind(hub: Hub) -> None:
    """Celery's pool left one for each, until it would have been due."""
    pool: Any = WatchedPool(processes=1, threads=False, max_restarts=100)
    try:
        pool.register_with_event_loop(hub)
        before = len(hub.timer)
        loop = hub.create_loop()
        for number in range(50):
            result = pool.apply_async(abs, (-number,), soft_timeout=HOUR, timeout=2 * HOUR)

            def has_ended(result: Any = result) -> bool:
                next(loop)
                return bool(result.ready())

            wait_until(has_ended, seconds=5, what="the child has answered")
        assert len(hub.timer) <= before + 1
    finally:
        pool.terminate()
