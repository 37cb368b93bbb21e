"""The hosts that are looked at: which there are, what each is for, and what must run on it."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import testinfra
from testinfra.utils.ansible_runner import AnsibleRunner

from app import topology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testinfra.host import Host

#: An inventory, as molecule names it, or one host that does everything, as testinfra does.
INVENTORY = "MOLECULE_INVENTORY_FILE"
ONE_HOST = "GROUNDWORK_TEST_HOST"
GROUPS = ("api", "workers", "beat", "redis", "rabbitmq", "database", "monitoring")
#: What one that does everything does.
GROUPS_OF_ONE_HOST = frozenset(GROUPS) - {"rabbitmq", "monitoring"}
#: Services that run only where the inventory asks for them.
OPTIONAL = frozenset({"flower"})
UNITS = Path(__file__).parents[2] / "systemd"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A service as it runs on a host; of a worker, one pool."""

    service: str
    pool: str | None = None
    #: Whether its command is told to write one.
    has_pidfile: bool = False

    @property
    def unit(self) -> str:
        """Its name under systemd."""
        return f"groundwork-{self.service}@{self.pool}" if self.pool else f"groundwork-{self.service}"

    @property
    def log(self) -> Path:
        """Where it logs."""
        return Path("/var/log/groundwork") / f"{'-'.join(filter(None, (self.service, self.pool)))}.log"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One host."""

    name: str
    groups: frozenset[str]
    #: What testinfra reaches it by.
    address: str
    #: Those of `OPTIONAL` that run there.
    asked_for: frozenset[str] = frozenset()

    @property
    def host(self) -> Host:
        """It, as testinfra sees it, as root."""
        return _connected(self.address)

    @property
    def instances(self) -> list[Instance]:
        """What must run on it."""
        return [
            Instance(service=service.name, pool=pool, has_pidfile=_has_pidfile(service.unit))
            for service in topology.SERVICES
            if service.group in self.groups and service.name not in OPTIONAL - self.asked_for
            for pool in service.instances or (None,)
        ]


@functools.cache
def machines() -> tuple[Machine, ...]:
    """All hosts; none when none was named."""
    if address := os.environ.get(ONE_HOST):
        name = _connected(address).check_output("hostname")
        return (Machine(name=name, groups=GROUPS_OF_ONE_HOST, address=address),)
    if not os.environ.get(INVENTORY):
        return ()
    # The runner looks for ansible-inventory on the PATH.
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    runner = AnsibleRunner(os.environ[INVENTORY])
    return tuple(_machine(name, runner.get_variables(name)) for name in runner.get_hosts())


def _machine(name: str, variables: Mapping[str, Any]) -> Machine:
    return Machine(
        name=name,
        groups=frozenset(variables["group_names"]) & frozenset(GROUPS),
        address=_address(variables),
        asked_for=frozenset(one for one in OPTIONAL if variables.get(f"groundwork_{one}_enabled", False)),
    )


def _has_pidfile(unit: str) -> bool:
    return "--pidfile" in (UNITS / unit).read_text()


def _address(variables: Mapping[str, Any]) -> str:
    options = urlencode({"sudo": "True", "ssh_identity_file": variables["ansible_private_key_file"]})
    return f"ssh://{variables['ansible_user']}@{variables['ansible_host']}?{options}"


@functools.cache
def _connected(address: str) -> Host:
    """One connection for all that is asked; it leaves no trace in the known_hosts of the user."""
    folder = tempfile.mkdtemp(prefix="groundwork-ssh-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return testinfra.get_host(
        address,
        controlpath=f"{folder}/socket",
        ssh_extra_args="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
    )
