"""A worker and beat load what they need: each module costs at every start, and memory for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.celery_command import OF_THE_LEDGER
from tests.checkout import ROOT

LOAD = """
import sys
from importlib import import_module
from app.celery_command import COMMANDS
from app.packages import modules
import_module(COMMANDS[sys.argv[1]])
modules("tasks")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("service", OF_THE_LEDGER)
def test_a_service_of_the_ledger_loads_no_web_server_and_no_command_line(service: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, service], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert {"app", "celery", "sqlalchemy"} <= loaded
    needless = {"alembic", "fastapi", "flower", "gunicorn", "prompt_toolkit", "tornado", "typer"}
    assert loaded & needless == set()
