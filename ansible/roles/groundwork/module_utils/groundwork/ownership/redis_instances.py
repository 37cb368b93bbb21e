"""The Redis of others on this host, told apart from the service's own instance."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from ansible.module_utils.groundwork.commands import run
from ansible.module_utils.groundwork.ownership.names import REDIS_PIDFILE as PIDFILE
from ansible.module_utils.host_listeners import listeners

#: Redis, and what has taken its place here and there.
PROGRAMS = ("redis", "valkey", "keydb")
TIMEOUT_SECONDS = 2.0
REFUSALS = (b"-NOAUTH", b"-DENIED", b"-NOPERM", b"-LOADING", b"-ERR")


def foreign(port: int) -> list[str]:
    """Each Redis on that port that is not ours, described; also one that will start at boot."""
    running = [f"{described(port)} on port {port} (process {pid})" for pid in sorted(_foreign_pids(port))]
    return running or _waiting(port)


def _foreign_pids(port: int) -> set[int]:
    held = [held for held in listeners() if held["port"] == port and held["process"].startswith(PROGRAMS)]
    return {held["pid"] for held in held} - {_our_pid()}


def described(port: int, *, host: str = "127.0.0.1") -> str:
    """A Redis by the number of its keys, if it tells a stranger."""
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(b"INFO keyspace\r\n")
            answer = connection.recv(65536)
    except OSError:
        return "A Redis that does not answer"
    if answer.startswith(REFUSALS):
        return "A Redis that asks for a password"
    keys = sum(int(number) for number in re.findall(rb"keys=(\d+)", answer))
    return f"A Redis with {keys} key{'' if keys == 1 else 's'}"


def _our_pid() -> int | None:
    try:
        return int(PIDFILE.read_text())
    except (OSError, ValueError):
        return None


def _waiting(port: int) -> list[str]:
    """Debian's own, which does not run now and will after the next boot."""
    configuration = Path("/etc/redis/redis.conf")
    if not configuration.is_file() or not _starts_at_boot():
        return []
    written = configuration.read_text(errors="replace")
    if str(port) not in re.findall(r"^(?:tls-)?port\s+(\d+)", written, re.MULTILINE):
        return []
    return [f"The Redis of {configuration}, on port {port} after the next boot,"]


def _starts_at_boot() -> bool:
    if Path("/run/systemd/system").is_dir():
        return run(["systemctl", "is-enabled", "--quiet", "redis-server.service"]).returncode == 0
    return any(Path("/etc").glob("rc2.d/S*redis-server"))
