"""A thread that works again and again goes on after any error, and says once that it fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from app.processes.repeating_thread import RepeatingThread
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


ERRORS = [ValueError("x"), MemoryError(), RecursionError(), KeyError(), SystemExit(3), GeneratorExit()]


class Unsteady(RepeatingThread):
    """Raises what the test gave it."""

    def __init__(self) -> None:
        super().__init__(name="unsteady")
        self.error: BaseException | None = None
        self.times = 0

    def work(self) -> None:
        self.times += 1
        if self.error is not None:
            raise self.error

    def pause(self) -> float:
        return 0.01

    def wait_for_more(self) -> None:
        times = self.times
        wait_until(lambda: self.times > times + 2, seconds=20, what="it goes on")


@pytest.fixture
def thread() -> Iterator[Unsteady]:
    made = Unsteady()
    yield made
    made.end()
    made.join(timeout=20)
    assert not made.is_alive()


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_no_error_ends_it_and_each_change_is_said_once(thread: Unsteady, error: BaseException) -> None:
    with capture_logs() as logs:
        thread.start()
        thread.wait_for_more()
        worked = thread.worked_at
        thread.error = error
        wait_until(lambda: thread.fails, seconds=20, what="it fails")
        thread.wait_for_more()
        assert thread.tried_at > worked
        thread.error = None
        wait_until(lambda: not thread.fails, seconds=20, what="it works again")
        thread.wait_for_more()
    assert [entry["event"] for entry in logs] == ["thread_fails", "thread_works_again"]
    assert thread.worked_at > worked


def test_one_that_hangs_is_stuck_and_one_that_was_told_to_end_is_not() -> None:
    class Hanging(Unsteady):
        def work(self) -> None:
            went_on.wait()

    went_on, hanging = threading.Event(), Hanging()
    hanging.start()
    wait_until(lambda: hanging.is_stuck(after=0.05), seconds=20, what="it is stuck")
    assert not hanging.is_stuck(after=3600)
    hanging.end()
    assert not hanging.is_stuck(after=0)
    went_on.set()
    hanging.join(timeout=20)


def test_a_pause_can_be_ended() -> None:
    class Patient(Unsteady):
        def pause(self) -> float:
            return 3600.0

    patient = Patient()
    patient.start()
    wait_until(lambda: patient.times == 1, seconds=20, what="it worked once")
    patient.wake()
    wait_until(lambda: patient.times == 2, seconds=20, what="it worked again")
    patient.end()
    patient.join(timeout=20)
