"""Tasks have the time limits that the settings give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.jobs.ledger.models import State
from tests.jobs.running import ended
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")


def test_a_task_is_told_to_end_and_killed_when_the_settings_say(
    fleet: Fleet, configure: Callable[..., None], tmp_path: Path
) -> None:
    # The second one declares a second.
    configure(task_time_limits="sample.wait_for_file=60m/1s,sample.never_end=2s/1s")
    fleet.start_worker("standard", processes=2)
    told, killed = tasks.wait_for_file.delay(str(tmp_path / "never")), tasks.never_end.delay()
    assert "SoftTimeLimitExceeded" in str(ended(told.id).error)
    job = ended(killed.id)
    assert job.state == State.DEAD
    assert "killed at its hard time limit of 2 s" in str(job.error)
    assert "GROUNDWORK_TASK_TIME_LIMITS" in str(job.error)
