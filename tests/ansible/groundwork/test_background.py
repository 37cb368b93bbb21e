"""Work beside the tasks of a play: its outcome, and how long it holds what was locked for it."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.groundwork import background
from ansible.module_utils.groundwork.failures import Failure

from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIMEOUT_SECONDS = 30


@pytest.fixture(autouse=True)
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the outcome is kept."""
    path = tmp_path / "outcome.json"
    monkeypatch.setattr(background, "STATE", tmp_path)
    monkeypatch.setattr(background, "OUTCOME", path)
    return path


def fail(error: Exception) -> Callable[[], dict[str, Any]]:
    def work() -> dict[str, Any]:
        raise error

    return work


def came_of(work: Callable[[], dict[str, Any]], outcome: Path) -> dict[str, Any]:
    background.start(work)
    wait_until(outcome.is_file, seconds=TIMEOUT_SECONDS, what="the work has ended")
    found: dict[str, Any] = background.result()
    return found


def test_what_came_of_it_can_be_had_once(outcome: Path) -> None:
    assert came_of(lambda: {"answers": 42}, outcome) == {"answers": 42}
    with pytest.raises(Failure, match="Run the playbook again"):
        background.result()


def test_a_failure_keeps_its_words(outcome: Path) -> None:
    with pytest.raises(Failure, match=r"It does not serve\.\nValueError: no"):
        came_of(fail(Failure("It does not serve.", output="ValueError: no")), outcome)


def test_what_nobody_foresaw_is_told_too(outcome: Path) -> None:
    with pytest.raises(Failure, match="ZeroDivisionError: one by none"):
        came_of(fail(ZeroDivisionError("one by none")), outcome)


def test_an_outcome_of_earlier_work_is_not_taken_for_that_of_the_next(outcome: Path, tmp_path: Path) -> None:
    outcome.write_text('{"result": {"answers": 1}}')
    go = tmp_path / "go"
    background.start(lambda: wait_until(go.exists, seconds=TIMEOUT_SECONDS, what="it may end") and {})
    assert not outcome.exists()
    go.touch()
    wait_until(outcome.is_file, seconds=TIMEOUT_SECONDS, what="the work has ended")


def test_what_was_locked_stays_locked_until_the_work_ends(outcome: Path, tmp_path: Path) -> None:
    lock, go = tmp_path / "lock", tmp_path / "go"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        background.start(lambda: wait_until(go.exists, seconds=TIMEOUT_SECONDS, what="it may end") and {})
    with lock.open("w") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        go.touch()
        fcntl.flock(other, fcntl.LOCK_EX)
    assert outcome.is_file()
