"""A virtual machine that Vagrant makes and Ansible deploys to: the steps of its life, each timed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
REBOOT = timedelta(minutes=10)
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
#: What a reader of a failure needs at most.
REASON_LINES = 60


class StepFailed(Exception):
    """Raised with what says why."""


class VagrantMachine:
    """A machine with a name, a port and a folder of its own, so that it does not meet a person's."""

    name = "groundwork-test"

    def __init__(self, *, folder: Path, driver: str) -> None:
        self.folder = folder
        self.driver = driver
        self.seconds: dict[str, float] = {}
        self.passed = self.failed = 0
        self.ssh_config = folder / "ssh_config"
        self._environment = os.environ | {
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "VAGRANT_DEFAULT_PROVIDER": "libvirt",
            "VAGRANT_DOTFILE_PATH": str(folder / "vagrant"),
            "VAGRANT_HOME": str(folder / "vagrant-home"),
            "GROUNDWORK_OPERATOR_INVENTORY": str(folder / "operator"),
            "GROUNDWORK_VM_DRIVER": driver,
            "GROUNDWORK_VM_NAME": self.name,
            "GROUNDWORK_VM_PORT": "18443",
        }
        folder.mkdir(parents=True, exist_ok=True)

    def add_box(self, name: str, *, file: Path) -> None:
        """Let Vagrant know the box in `file` as `name`."""
        self._vagrant("box", "add", "--force", "--provider=libvirt", f"--name={name}", str(file))

    def up(self, box: str) -> None:
        """Make the machine from `box`, then deploy to it."""
        self._environment["GROUNDWORK_VM_BOX"] = box
        self.destroy()
        (self.folder / "vagrant.log").unlink(missing_ok=True)
        with self.timed("vagrant up: boot"):
            self._vagrant("up", "--no-provision")
        self.ssh_config.write_text(self._vagrant("ssh-config"))
        with self.timed("vagrant up: deploy"):
            self._vagrant("provision")

    def verify(self, step: str) -> None:
        """Run the tests of a converged host against it."""
        report = self.folder / "tests.xml"
        report.unlink(missing_ok=True)
        address = f"ssh://{self.name}?ssh_config={self.ssh_config}&sudo=True"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            "tests/host",
        ]
        with self.timed(step):
            subprocess.run(command, cwd=ROOT, env=os.environ | {"GROUNDWORK_TEST_HOST": address}, check=False)
        if not report.exists():
            raise StepFailed(f"{step} did not run (above)")
        for suite in ElementTree.parse(report).iter("testsuite"):  # noqa: S314 (written by the line above)
            counted = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
            failed = counted["failures"] + counted["errors"]
            self.failed += failed
            self.passed += counted["tests"] - counted["skipped"] - failed

    def reboot(self) -> None:
        """Boot it again, and return when it lets us in."""
        before = self.run(BOOT_ID)
        self._ssh("sudo systemctl reboot")
        deadline = time.monotonic() + REBOOT.total_seconds()
        while time.monotonic() < deadline:
            now = self._ssh(BOOT_ID)
            if now.returncode == 0 and now.stdout.strip() != before:
                return
            time.sleep(1)
        raise StepFailed(f"The machine did not come back within {REBOOT.total_seconds():.0f} s of a reboot.")

    def run(self, command: str, *, stdin: str = "") -> str:
        """What `command` prints there. Raises `StepFailed`."""
        done = self._ssh(command, stdin=stdin)
        if done.returncode != 0:
            raise StepFailed(f"{command.strip()}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout.strip()

    def _ssh(self, command: str, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
        options = ["-F", str(self.ssh_config), "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5"]
        return subprocess.run(
            ["ssh", *options, self.name, command], input=stdin, capture_output=True, text=True, check=False
        )

    def destroy(self) -> None:
        """Leave nothing of it."""
        self._vagrant("destroy", "--force")

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Say what is done, and remember how long it took."""
        print(f"{step} ...")
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = time.monotonic() - started

    def _vagrant(self, *command: str) -> str:
        """What Vagrant says; all that it ever said is in the log. Raises `StepFailed`."""
        log = self.folder / "vagrant.log"
        with log.open("a+") as kept:
            kept.write(f"$ vagrant {' '.join(command)}\n")
            kept.flush()
            begin = kept.tell()
            done = subprocess.run(
                ["vagrant", *command],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=kept,
                stderr=subprocess.STDOUT,
                check=False,
            )
            kept.seek(begin)
            said = kept.read()
        if done.returncode != 0:
            lines = [line.rpartition("\r")[2] for line in said.split("\n")]
            reason = "\n".join(lines[-REASON_LINES:])
            raise StepFailed(f"{reason}\nvagrant {command[0]} failed (above); all of it: {log}")
        return said
