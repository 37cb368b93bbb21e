"""The quarantine from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.jobs.quarantine import quarantine
from app.logs.failures import ExitCode
from tests.command_line import groundwork

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("redis_server")]


def test_one_entry_is_discarded_and_then_all(database: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        quarantine.add(f"garbage {number}".encode(), queue="default", problem="It is not JSON.")
    listed = json.loads(groundwork(capsys, "quarantine", "list", "--json").out)
    assert groundwork(capsys, "quarantine", "discard", listed[1]["id"]).out == "Forgot 1.\n"
    again = groundwork(capsys, "quarantine", "discard", listed[1]["id"])
    assert (again.code, "Nothing in quarantine has the id" in again.err) == (ExitCode.FAILED, True)
    left = json.loads(groundwork(capsys, "quarantine", "list", "--json").out)
    assert [entry["head"] for entry in left] == ["garbage 2", "garbage 0"]
    assert groundwork(capsys, "quarantine", "clear").out == "Forgot 2.\n"
