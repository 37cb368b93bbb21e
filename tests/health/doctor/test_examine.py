"""The doctor's visit as a whole, as `groundwork doctor` shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from app.health.doctor.examination import examine
from app.health.doctor.finding import Level
from app.logs.failures import ExitCode
from tests.command_line import groundwork
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from sqlalchemy import Engine


def test_every_fault_comes_with_its_remedy(database: Engine) -> None:
    findings = examine()
    assert {finding.about for finding in findings} == {
        "host",
        "backup",
        "broker",
        "certificates",
        "database",
        "files",
        "fleet",
        "invoices",
        "jobs",
        "deliveries",
        "banking",
        "mirror",
        "passwords",
    }
    assert all(finding.fix for finding in findings if finding.level is not Level.OK)


def test_a_fleet_that_does_not_run_fails_the_visit(
    database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = groundwork(capsys, "doctor")
    assert outcome.code == ExitCode.FAILED
    assert "groundwork-beat" in outcome.out


def test_a_script_reads_the_same_findings(database: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(groundwork(capsys, "doctor", "--json").out)
    # Sentences hold figures, such as what is free on a disk, that change from one look to the next.
    said = [(finding["about"], finding["level"], finding["fix"]) for finding in found]
    assert said == [(finding.about, finding.level, finding.fix) for finding in examine()]
    assert all(finding["sentence"] for finding in found)


def test_what_stands_on_a_fault_is_not_examined(configure: Callable[..., None]) -> None:
    configure(
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
        database_url=f"postgresql://127.0.0.1:{free_port()}/ledger",
    )
    problems = [finding for finding in examine() if finding.level is Level.PROBLEM]
    assert [finding.about for finding in problems] == ["broker", "database"]


def test_settings_that_cannot_be_used_are_a_finding_too(
    configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(redis_ulr="redis://somewhere")
    outcome = groundwork(capsys, "doctor")
    assert outcome.code == ExitCode.FAILED
    assert "GROUNDWORK_REDIS_URL" in outcome.out
