"""Runs `groundwork`: inside the test's process, or as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.__main__ import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, "-m", "app")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command printed and ended with."""

    code: int
    out: str
    err: str


def groundwork(capsys: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    """Run a command line in this process, with its settings."""
    capsys.readouterr()
    code = run(list(arguments))
    printed = capsys.readouterr()
    return Outcome(code=int(code), out=printed.out, err=printed.err)


def groundwork_process(
    *arguments: str, environment: Mapping[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    """Start a command line as a process in `folder`."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
