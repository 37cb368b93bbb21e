"""Notes how each test ended as soon as it has: `pytest -p tests.upstream.recording`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.upstream.outcomes import Outcome

if TYPE_CHECKING:
    import pytest

#: Names the file.
VARIABLE = "UPSTREAM_OUTCOMES"

_phases: dict[str, Outcome] = {}


def pytest_collection_finish(session: pytest.Session) -> None:
    for item in session.items:
        _note(item.nodeid, Outcome.NOT_RUN)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called for each phase of a test; one that is tried again begins anew."""
    if report.when == "setup":
        _phases.pop(report.nodeid, None)
    before = _phases.get(report.nodeid, Outcome.PASSED)
    if report.failed:
        _phases[report.nodeid] = Outcome.FAILED
    elif report.skipped and before is Outcome.PASSED:
        _phases[report.nodeid] = Outcome.SKIPPED
    if report.when == "teardown":
        _note(report.nodeid, _phases.get(report.nodeid, Outcome.PASSED))


def _note(test: str, outcome: Outcome) -> None:
    with Path(os.environ[VARIABLE]).open("a") as file:
        file.write(json.dumps([test, outcome.value]) + "\n")
