"""Packages that trace Celery's tasks find what they hang on: from the client to the job and to its child."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.checkout import ROOT
from tests.fleet import Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def test_a_trace_goes_from_the_client_through_the_ledger_to_the_job_and_its_child(
    database: Engine, tmp_path: Path
) -> None:
    fleet = Fleet(folder=tmp_path, include="tests.sample.traced")
    try:
        fleet.start_worker(processes=1)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from tests.sample.traced import main; main()"]
        client = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    finally:
        fleet.close()
    assert client.returncode == 0, client.stderr
    found = json.loads(client.stdout.splitlines()[-1])
    assert all(len(trace_id) == 32 for trace_id in found["expected"].values())
    assert found["job"] == found["expected"]
    assert found["child"] == found["expected"]
    names = ["apply_async/sample.traces_of_a_job", "apply_async/sample.traces_of_a_child", "request"]
    assert found["spans"] == names
    assert "detach" not in client.stderr
