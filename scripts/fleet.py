"""Starts, looks at and stops the supervisord of this checkout."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from local_settings import ENV_FILE, LOGS, REDIS_CONFIG, VAR
from packages import SetupFailed
from supervision import Place, configuration

from app.config import ENV_FILE_VARIABLE

# Relative on purpose: the address of a unix socket has room for 107 bytes, a checkout may lie deeper.
SOCKET = VAR / "supervisor.sock"
PIDFILE = VAR / "supervisord.pid"
CONFIG = VAR / "supervisord.conf"
#: Longer than all stop times of the units one after the other.
STOP_TIMEOUT_SECONDS = 240
START_TIMEOUT_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class Process:
    """One supervised process as supervisord sees it."""

    name: str
    state: str
    pid: int
    description: str

    @property
    def is_running(self) -> bool:
        """Whether it has stayed up."""
        return self.state == "RUNNING"


class _UnixConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(str(SOCKET))


class _UnixTransport(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(str(host))


def write_config(*, with_redis: bool) -> None:
    """Project the units anew, so that a changed unit counts from the next start on."""
    place = Place(
        state=PurePosixPath(VAR),
        logs=PurePosixPath(LOGS),
        bin=PurePosixPath(sys.prefix, "bin"),
        env_file=PurePosixPath(ENV_FILE.absolute()),
        keeps_user=False,
        redis_config=PurePosixPath(REDIS_CONFIG) if with_redis else None,
    )
    CONFIG.write_text(configuration(place))


def running_pid() -> int | None:
    """The process id of this checkout's supervisord; a stale pidfile is seen through."""
    try:
        pid = int(PIDFILE.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(CONFIG.absolute()) in command.split(b"\0") else None


def start() -> int:
    """Start supervisord, away from this terminal's Ctrl-C. Returns its process id."""
    supervisord = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(CONFIG.absolute())]
    with (LOGS / "supervisord.out").open("wb") as output:
        started = subprocess.Popen(
            supervisord, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and started.poll() is None:
        try:
            processes()
        except OSError:
            time.sleep(0.05)
        else:
            return started.pid
    raise SetupFailed(
        f"supervisord did not start. {LOGS}/supervisord.out says why; put it right and try again."
    )


def processes() -> list[Process]:
    """All supervised processes. Raises `OSError` when supervisord does not answer."""
    server = xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport())
    found: Any = server.supervisor.getAllProcessInfo()
    return [
        Process(name=info["name"], state=info["statename"], pid=info["pid"], description=info["description"])
        for info in found
    ]


def stop() -> None:
    """Stop supervisord and with it everything it runs, in the reverse order of the start."""
    pid = running_pid()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while running_pid() is not None and time.monotonic() < deadline:
            time.sleep(0.05)
    end_leftovers()


def end_leftovers() -> int:
    """End what a killed supervisord left behind; how many there were."""
    found = _leftovers()
    for pid in found:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while _leftovers() and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in _leftovers():
        os.kill(pid, signal.SIGKILL)
    return len(found)


def _leftovers() -> list[int]:
    """Processes that a supervisord of this checkout started and that still run."""
    marks = {b"SUPERVISOR_ENABLED=1", os.fsencode(f"{ENV_FILE_VARIABLE}={ENV_FILE.absolute()}")}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marks <= set(environment):
            found.append(int(folder.name))
    return found
