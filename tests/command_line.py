"""Runs `groundwork`: inside the test's process, as a fork, or as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from app.__main__ import run
from tests import preloaded
from tests.servers import stretched

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


class ForkedCommand:
    """A command line that runs as a fork of a process that has its imports."""

    def __init__(self, *arguments: str, environment: Mapping[str, str], folder: Path) -> None:
        # Closed when they have been read.
        self._out, self._err = TemporaryFile(), TemporaryFile()  # noqa: SIM115
        self.process = preloaded.start(
            "app",
            *arguments,
            environment={**environment, "PYTHONPATH": str(ROOT)},
            folder=folder,
            log=self._out.fileno(),
            errors=self._err.fileno(),
        )

    def finished(self, *, seconds: float) -> Outcome:
        """What came of it."""
        code = self.process.wait(timeout=stretched(seconds))
        printed = []
        for file in (self._out, self._err):
            file.seek(0)
            printed.append(file.read().decode())
            file.close()
        return Outcome(code=code, out=printed[0], err=printed[1])


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
