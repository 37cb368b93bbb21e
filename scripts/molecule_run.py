"""One run of a molecule scenario, step by step: the log and the time of each, and the reason of a failure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
_BIN = ROOT / ".venv" / "bin"
#: What a reader of a failure needs at most.
_REASON_LINES = 80


class StepFailed(Exception):
    """Raised with the part of the log that says why."""


class MoleculeRun:
    """A scenario with a folder, containers and a network of its own."""

    def __init__(self, scenario: str, *, image: str, folder: Path) -> None:
        self.scenario = scenario
        self.folder = folder
        self.seconds: dict[str, float] = {}
        #: Tests of the converged hosts that passed and failed; a step that failed counts as one.
        self.counts = (0, 0)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._environment = {
            **os.environ,
            "PATH": f"{_BIN}:{os.environ['PATH']}",
            "GROUNDWORK_HOST_IMAGE": image,
            "MOLECULE_EPHEMERAL_DIRECTORY": str(folder / "state"),
            "MOLECULE_INVENTORY_FILE": str(folder / "state" / "inventory" / "ansible_inventory.yml"),
            "NO_COLOR": "1",
        }

    def step(self, name: str) -> None:
        """Let molecule do its step `name`."""
        log = self.folder / f"{name}.log"
        command = ["molecule", "-c", "molecule/base.yml", name, "--scenario-name", self.scenario]
        with log.open("w") as output:
            done = self._timed(name, command, cwd=ROOT / "ansible", stdout=output)
        if done.returncode != 0:
            raise StepFailed(f"{_reason(log.read_text())}\n{name} failed (above); all of it: {log}")

    def use_one_release(self) -> None:
        """Build it now, so that all steps see the same, though the checkout may be worked on meanwhile."""
        built = self._timed(
            "build", [str(ROOT / "scripts" / "build-release")], cwd=ROOT, stdout=subprocess.PIPE
        )
        if built.returncode != 0:
            raise StepFailed("build failed (above)")
        settings = self.folder / "state" / "operator" / "group_vars" / "all" / "release.yml"
        settings.write_text(f"groundwork_release_artefact: {built.stdout.decode().split()[-1]}\n")

    def verify(self, tests: str) -> None:
        """Run tests of converged hosts against these, and count what came of them."""
        name = Path(tests).stem
        report = self.folder / f"{name}.xml"
        # What waits for a host ends by itself, and may take longer than any other test.
        options = ["-p", "no:cacheprovider", "-o", "faulthandler_timeout=0", f"--junitxml={report}"]
        self._timed(f"verify {name}", [sys.executable, "-m", "pytest", *options, tests], cwd=ROOT)
        passed, failed = _counts(report)
        self.counts = self.counts[0] + passed, self.counts[1] + failed

    def _timed(
        self, name: str, command: list[str], *, cwd: Path, stdout: IO[str] | int | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        print(f"{name} ...")
        started = time.monotonic()
        done = subprocess.run(
            command,
            cwd=cwd,
            env=self._environment,
            stdout=stdout,
            stderr=None if stdout in (None, subprocess.PIPE) else subprocess.STDOUT,
            check=False,
        )
        self.seconds[name] = time.monotonic() - started
        return done


def _reason(log: str) -> str:
    """The last task that failed, without what is said after it; the end of a log that has none."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", log).splitlines()
    if told := [number for number, line in enumerate(lines) if "Idempotence test failed" in line]:
        return "\n".join(lines[told[-1] :])
    failures = [number for number, line in enumerate(lines) if re.match(r"(fatal|failed): |\[ERROR\]", line)]
    if not failures:
        return "\n".join(lines[-_REASON_LINES:])
    last = failures[-1]
    began = max((number for number, line in enumerate(lines[:last]) if line.startswith("TASK [")), default=0)
    ended = next(
        (number for number, line in enumerate(lines) if number > last and line.startswith("PLAY ")), None
    )
    return "\n".join(lines[began:ended][-_REASON_LINES:]).rstrip()


def _counts(report: Path) -> tuple[int, int]:
    """How many tests passed and failed, by pytest's own report; it is a failure that there is none."""
    if not report.is_file():
        return 0, 1
    suite = next(ElementTree.parse(report).iter("testsuite"))  # noqa: S314 (pytest wrote it)
    told = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    failed = told["failures"] + told["errors"]
    return told["tests"] - failed - told["skipped"], failed if told["tests"] else 1
