"""What supervises the services of a host, asked in the same words: systemd or supervisord."""

from __future__ import annotations

import functools
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.host.machines import Instance

LINES = 60


class Supervisor(Protocol):
    """Asks about one instance of a service."""

    @property
    def is_systemd(self) -> bool:
        """Whether everything can be asked of it."""

    def is_running(self, instance: Instance) -> bool:
        """Whether it runs now."""

    def starts_at_boot(self, instance: Instance) -> bool:
        """Whether it will after the next boot."""

    def main_pid(self, instance: Instance) -> int:
        """The process that is supervised."""

    def pidfile(self, instance: Instance) -> Path:
        """Where a worker or beat writes its number."""

    def said(self, instance: Instance | None) -> str:
        """The end of what was said about it, or about all."""


@functools.cache
def supervisor_of(host: Host) -> Supervisor:
    """The one that runs there."""
    if host.file("/run/systemd/system").exists:
        return Systemd(host)
    return Supervisord(host)


@dataclass(frozen=True)
class Systemd:
    """systemd."""

    host: Host
    is_systemd = True

    def property(self, unit: str, name: str) -> str:
        """What `systemctl show` says."""
        return str(self.host.check_output("systemctl show --value --property %s %s", name, unit))

    def is_running(self, instance: Instance) -> bool:
        return self.property(instance.unit, "ActiveState") == "active"

    def starts_at_boot(self, instance: Instance) -> bool:
        return self.property(instance.unit, "UnitFileState") == "enabled"

    def main_pid(self, instance: Instance) -> int:
        return int(self.property(instance.unit, "MainPID"))

    def pidfile(self, instance: Instance) -> Path:
        name = instance.unit.replace("@", "-")
        return Path("/run") / name / f"{instance.service}.pid"

    def said(self, instance: Instance | None) -> str:
        units = shlex.quote(instance.unit if instance else "groundwork*")
        return str(self.host.run(f"journalctl --no-pager --lines {LINES} --unit {units}").stdout)


@dataclass(frozen=True)
class Supervisord:
    """supervisord, on a host without systemd."""

    host: Host
    is_systemd = False

    def _status(self, instance: Instance) -> str:
        return str(self.host.run("supervisorctl status %s", self._program(instance)).stdout)

    def _program(self, instance: Instance) -> str:
        return instance.unit.replace("@", "-")

    def is_running(self, instance: Instance) -> bool:
        return "RUNNING" in self._status(instance).split()

    def starts_at_boot(self, instance: Instance) -> bool:
        links = str(self.host.check_output("find /etc/rc2.d -name 'S*'"))
        return any("supervisor" in link or "groundwork" in link for link in links.split())

    def main_pid(self, instance: Instance) -> int:
        return int(self._status(instance).partition("pid ")[2].partition(",")[0])

    def pidfile(self, instance: Instance) -> Path:
        return Path("/var/lib/groundwork") / f"{self._program(instance)}.pid"

    def said(self, instance: Instance | None) -> str:
        name = self._program(instance) if instance else "*"
        return str(self.host.run(f"tail -n {LINES} /var/log/groundwork/{name}.out").stdout)
