"""A Debian in a container that boots like a host and is reached over SSH like one."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]
ENGINE = os.environ.get("CONTAINER_ENGINE", "podman")
IMAGE = os.environ.get("GROUNDWORK_HOST_IMAGE", "localhost/groundwork/debian-systemd:12")
BOOTED = ("running", "degraded")
#: Lets the user "operator" in, who may become root.
OPERATOR = ROOT / "ansible" / "molecule" / "shared" / "operator.sh"
#: With its own systemd mode podman would bind the machine's cgroups into the container.
FLAGS = ("--privileged", "--cgroupns=private", *(["--systemd=false"] if ENGINE == "podman" else []))


class CommandFailed(AssertionError):
    """What a command in the container said when it failed."""

    def __init__(self, *, command: Sequence[str], code: int, said: str) -> None:
        super().__init__(f"{' '.join(command)} ended with {code}:\n{said[-4000:]}")


@dataclass
class Container:
    """One such host; `folder` keeps the key that opens it."""

    name: str
    folder: Path
    address: str = field(default="", init=False)

    @property
    def key(self) -> Path:
        return self.folder / "id"

    def start(self) -> None:
        """A blank host: nothing but what the distribution's base and an SSH server are."""
        self.close()
        _output(
            [ENGINE, "run", "-d", "--name", self.name, "--hostname", self.name, *FLAGS, IMAGE, "/sbin/init"]
        )
        self.wait_for_boot()
        self._open_to_ssh()

    def is_there(self) -> bool:
        """Whether it runs from an earlier time."""
        command = [ENGINE, "inspect", self.name, "--format", "{{.State.Running}}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout.strip() != "true":
            return False
        self.wait_for_boot()
        return True

    def wait_for_boot(self) -> None:
        """Return when systemd has started everything."""
        wait_until(lambda: self._state() in BOOTED, seconds=120, what=f"{self.name} has booted")
        # A restart may give another address.
        self.address = _output(
            [ENGINE, "inspect", self.name, "--format", "{{.NetworkSettings.IPAddress}}"]
        ).strip()

    def restart(self) -> float:
        """Boot anew; the moment (monotonic) at which the boot began."""
        _output([ENGINE, "stop", "--time", "90", self.name])
        began = time.monotonic()
        _output([ENGINE, "start", self.name])
        return began

    def cut_power(self) -> float:
        """Boot anew without anybody having been told to stop; the moment at which the boot began."""
        _output([ENGINE, "kill", "--signal", "KILL", self.name])
        _output([ENGINE, "wait", self.name])
        began = time.monotonic()
        _output([ENGINE, "start", self.name])
        return began

    def run(self, *command: str, given: str = "") -> str:
        """The output of a command as root. Raises `CommandFailed`."""
        return _output([ENGINE, "exec", "-i", self.name, *command], given=given)

    def succeeds(self, *command: str) -> bool:
        """Whether a command as root ends with 0."""
        done = subprocess.run([ENGINE, "exec", self.name, *command], capture_output=True, check=False)
        return done.returncode == 0

    def shell(self, script: str) -> str:
        """The output of a script of bash as root."""
        return self.run("bash", "-euo", "pipefail", "-c", script)

    def take_folder(self, path: str, *, of: Container) -> None:
        """Bring a folder here from another host, under the same path, as an operator who is root would."""
        carried = self.folder / "carried"
        _output([ENGINE, "cp", f"{of.name}:{path}", str(carried)])
        _output([ENGINE, "cp", str(carried), f"{self.name}:{path}"])
        shutil.rmtree(carried)

    def sql(self, statement: str) -> str:
        """What PostgreSQL answers in the service's database, unadorned."""
        return self.run(
            *[
                "runuser",
                "-u",
                "postgres",
                "--",
                "psql",
                "--no-psqlrc",
                "-qAt",
                "-v",
                "ON_ERROR_STOP=1",
                "groundwork",
            ],
            given=statement,
        ).strip()

    def close(self) -> None:
        """Remove it, if it is there."""
        subprocess.run([ENGINE, "rm", "--force", "--time", "0", self.name], capture_output=True, check=False)

    def _state(self) -> str:
        command = [ENGINE, "exec", self.name, "systemctl", "is-system-running"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def _open_to_ssh(self) -> None:
        self.key.unlink(missing_ok=True)
        _output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)])
        public = self.key.with_suffix(".pub").read_text().strip()
        self.run("sh", "-es", given=f"{OPERATOR.read_text()}\nauthorize '{public}'")
        wait_until(
            lambda: self.succeeds("systemctl", "--quiet", "is-active", "ssh"),
            seconds=30,
            what="the SSH server runs",
        )


def _output(command: Sequence[str], *, given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(command=command, code=done.returncode, said=done.stdout + done.stderr)
    return done.stdout
