"""A unit on a host, and the jobs that it is tried with."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers import wait_until

if TYPE_CHECKING:
    from testinfra.host import Host

#: A host without a processor of its own to speak of is slow, and not wrong.
TIMEOUT_SECONDS = 120
PYTHON = "/opt/groundwork/current/venv/bin/python"


@dataclass(frozen=True)
class Unit:
    """One unit of the service."""

    host: Host
    name: str

    @property
    def main_pid(self) -> int:
        """The process that systemd watches; 0 while there is none."""
        return int(self._show("MainPID"))

    @property
    def restarts(self) -> int:
        """How often systemd has restarted it by itself."""
        return int(self._show("NRestarts"))

    @property
    def is_active(self) -> bool:
        """Whether it runs."""
        return self._show("ActiveState") == "active"

    def said_since(self, moment: str) -> str:
        """What it and systemd said about it."""
        return str(
            self.host.check_output("journalctl --no-pager -o cat --unit %s --since %s", self.name, moment)
        )

    def command(self, verb: str) -> tuple[int, float]:
        """The exit code of `systemctl <verb>`, and the seconds it took."""
        began = time.monotonic()
        done = self.host.run("systemctl %s %s", verb, self.name)
        return done.rc, time.monotonic() - began

    def succeed(self, verb: str) -> float:
        """As `command`, where nothing may go wrong."""
        code, seconds = self.command(verb)
        assert code == 0, f"systemctl {verb} {self.name} ended with {code}"
        return seconds

    def wait_for_another_process(self, before: int, *, seconds: float = TIMEOUT_SECONDS) -> int:
        """The main process once it is another one than `before` and the unit is active."""

        def other() -> int:
            pid = self.main_pid
            return pid if pid not in (0, before) and self.is_active else 0

        return int(wait_until(other, seconds=seconds, what=f"{self.name} has another process than {before}"))

    def _show(self, name: str) -> str:
        return str(self.host.check_output("systemctl show --value --property %s %s", name, self.name))


@dataclass(frozen=True)
class Jobs:
    """Jobs of the domain that the tests put on the host."""

    host: Host

    def begin_nap(self, name: str, *, seconds: float) -> str:
        """Start a nap; the job's id once it runs."""
        job_id = self.submit("units_test.nap", name=name, seconds=seconds)
        wait_until(lambda: f"{name} begins" in self.diary, seconds=TIMEOUT_SECONDS, what=f"{name} begins")
        return job_id

    def submit(self, task: str, **arguments: object) -> str:
        """The id of an accepted job."""
        given = json.dumps(arguments)
        return str(self.host.check_output("groundwork jobs submit %s --json-args %s", task, given)).strip()

    def job(self, job_id: str) -> dict[str, object]:
        """All that is known of it."""
        found: dict[str, object] = json.loads(
            self.host.check_output("groundwork jobs show %s --json", job_id)
        )
        return found

    def wait_until_done(self, job_id: str) -> dict[str, object]:
        """The job once it is done."""
        self.host.check_output("groundwork jobs wait %s --timeout %s", job_id, f"{TIMEOUT_SECONDS}s")
        return self.job(job_id)

    def are_done(self, pool: str) -> bool:
        """Whether the pool does jobs."""
        done = self.host.run("groundwork smoke --pool %s --timeout %s", pool, str(TIMEOUT_SECONDS))
        return bool(done.rc == 0)

    @property
    def diary(self) -> list[str]:
        """Which naps began and ended, in order."""
        return str(self.host.run("cat /var/lib/groundwork/units-test").stdout).splitlines()


def is_running(host: Host, pid: int) -> bool:
    """Whether there is such a process, and not only what is left of it."""
    return bool(host.run("grep -q '^State:.[^ZX]' /proc/%s/status", str(pid)).rc == 0)


def now(host: Host) -> str:
    """The host's clock, as `journalctl` takes it."""
    return str(host.check_output("date '+%Y-%m-%d %H:%M:%S'"))
