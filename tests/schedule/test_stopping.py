"""app.schedule.stopping: a stop comes between two ticks, not in one."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from app.schedule.stopping import SIGNALS, StopPostponed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=SIGNALS, ids=lambda number: number.name)
def exiting(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that ends this process by an exception, as Celery's beat has it."""
    before = signal.signal(request.param, lambda *_: sys.exit())
    yield request.param
    signal.signal(request.param, before)


def test_a_stop_in_the_middle_comes_at_the_end(exiting: signal.Signals) -> None:
    done = []

    def tick() -> None:
        with StopPostponed():
            signal.raise_signal(exiting)
            done.append("the rest")

    with pytest.raises(SystemExit):
        tick()
    assert done


def test_a_stop_comes_also_after_work_that_failed(exiting: signal.Signals) -> None:
    def tick() -> None:
        with StopPostponed():
            signal.raise_signal(exiting)
            raise ValueError

    with pytest.raises(SystemExit):
        tick()


def test_nothing_is_left_of_it(exiting: signal.Signals) -> None:
    with StopPostponed():
        pass
    with pytest.raises(SystemExit):
        signal.raise_signal(exiting)


def test_a_tick_in_another_thread_does_not_mind() -> None:
    done = []

    def tick() -> None:
        with StopPostponed():
            done.append("work")

    thread = threading.Thread(target=tick)
    thread.start()
    thread.join()
    assert done
