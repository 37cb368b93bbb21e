"""The RabbitMQ of others on this host, told apart from the service's own node."""

from __future__ import annotations

import re
from pathlib import Path

from ansible.module_utils.groundwork.commands import run
from ansible.module_utils.groundwork.ownership.names import RABBITMQ_UNIT
from ansible.module_utils.host_listeners import listeners

#: The virtual machine that RabbitMQ runs in.
PROGRAM = "beam.smp"
OURS = f"{RABBITMQ_UNIT}.service"
OF_THE_PACKAGE = "rabbitmq-server.service"
CONFIGURATIONS = ("rabbitmq.conf", "conf.d/*.conf")
DEFAULT_PORT = 5672
LISTENERS = re.compile(r"^\s*listeners\.\w+\.\w+\s*=\s*(?:\S*:)?(\d+)\s*$", re.MULTILINE)


def foreign(port: int) -> list[str]:
    """Each RabbitMQ on that port that is not ours, described; also one that will start at boot."""
    pids = {
        held["pid"]
        for held in listeners()
        if held["port"] == port and held["process"] == PROGRAM and OURS not in held["run_by"]
    }
    running = [f"A RabbitMQ on port {port} (process {pid})" for pid in sorted(pids)]
    return running or _waiting(port)


def _waiting(port: int, *, etc: Path = Path("/etc/rabbitmq")) -> list[str]:
    """Debian's own, which does not run now and will after the next boot."""
    if port not in configured_ports(etc) or not _starts_at_boot():
        return []
    return [f"The RabbitMQ of {etc}, on port {port} after the next boot,"]


def configured_ports(etc: Path) -> set[int]:
    """Where it listens; without a word of that, where every RabbitMQ does."""
    files = [path for pattern in CONFIGURATIONS for path in sorted(etc.glob(pattern))]
    written = "\n".join(path.read_text(errors="replace") for path in files)
    return {int(number) for number in LISTENERS.findall(written)} or {DEFAULT_PORT}


def _starts_at_boot() -> bool:
    if not Path("/run/systemd/system").is_dir():
        return False
    return run(["systemctl", "is-enabled", "--quiet", OF_THE_PACKAGE]).returncode == 0
