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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from local_settings import LOGS, REDIS_CONFIG, REDIS_DATA, VAR, env_files
from packages import SetupFailed
from supervision import Place, configuration

from app.settings.sources import ENV_FILE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# By way of the working directory, which is the checkout for both ends: the address of a unix socket has room
# for 107 bytes, a checkout may lie deeper, and supervisord makes relative addresses absolute.
SOCKET = PurePosixPath("/proc/self/cwd", VAR, "supervisor.sock")
PIDFILE = VAR / "supervisord.pid"
CONFIG = VAR / "supervisord.conf"
FLOWER = "groundwork-flower"
#: Longer than the longest stop time of a unit and that of Redis together.
STOP_TIMEOUT_SECONDS = 120
START_TIMEOUT_SECONDS = 15
#: What a killed supervisord left behind has so long to end, and what was killed to be gone.
LEFTOVER_SECONDS = 6
KILLED_SECONDS = 5
#: States of a process of which nothing is left but its number. Source: proc(5).
ENDED = (b"Z", b"X")
#: Where its time of start stands among the fields of `_stat`: the 22nd of the file.
STARTED = 19


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


def write_config(*, with_redis: bool, with_flower: bool, outside: Sequence[str] = ()) -> None:
    """Project the units anew, so that a changed unit counts from the next start on.

    `outside` is the command of a demonstration's outside world.
    """
    place = Place(
        state=PurePosixPath(VAR.absolute()),
        socket=SOCKET,
        logs=PurePosixPath(LOGS),
        bin=PurePosixPath(sys.prefix, "bin"),
        env_files=env_files(),
        keeps_user=False,
        redis_config=PurePosixPath(REDIS_CONFIG) if with_redis else None,
        outside=tuple(outside),
        without=frozenset() if with_flower else frozenset({FLOWER}),
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
    supervisord = [sys.executable, "-m", "supervisor.supervisord", "-n", "-s", "-c", str(CONFIG.absolute())]
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


def runs_flower() -> bool:
    """Whether Flower was asked for at the start."""
    return any(process.name == FLOWER for process in processes())


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
    """End what a killed supervisord left behind, Redis last; how many processes there were.

    Raises `SetupFailed` for what cannot be ended. What a worker was in the middle of runs again.
    """
    return _end_all(_leftovers) + _end_all(_leftover_redis)


def _end_all(find: Callable[[], list[int]]) -> int:
    """End all of `find`, which have a bounded time to do it themselves; when this returns, they are gone."""
    found = {pid: _started_at(pid) for pid in find()}

    def left() -> list[int]:
        # While a process ends, /proc tells nothing that it is known by, and its port is still taken.
        return sorted({*find(), *(pid for pid, at in found.items() if at and _started_at(pid) == at)})

    # A main process ends its own children, in order.
    _signal([pid for pid in found if _parent(pid) not in found], signal.SIGTERM)
    if not _are_gone(left, seconds=LEFTOVER_SECONDS):
        _signal(left(), signal.SIGKILL)
        if not _are_gone(left, seconds=KILLED_SECONDS):
            pids = ", ".join(map(str, left()))
            raise SetupFailed(
                f"These processes of a former start cannot be ended: {pids}. End them, then try again."
            )
    return len(found)


def _are_gone(left: Callable[[], list[int]], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while left():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _leftovers() -> list[int]:
    """Processes that a supervisord of this checkout started and that still run."""
    marks = {b"SUPERVISOR_ENABLED=1", os.fsencode(f"{ENV_FILE_VARIABLE}={env_files()}")}
    return [pid for pid in _all_pids() if marks <= set(_read(f"/proc/{pid}/environ").split(b"\0"))]


def _leftover_redis() -> list[int]:
    """Redis writes its title over its environment; it is known by the folder it works in."""
    return [
        pid
        for pid in _all_pids()
        if _read(f"/proc/{pid}/comm").strip() == b"redis-server" and _works_in(pid, folder=REDIS_DATA)
    ]


def _works_in(pid: int, *, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return False


def _all_pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _started_at(pid: int) -> bytes | None:
    """What tells a process from a later one with its number; None for one that has ended."""
    fields = _stat(pid)
    return None if not fields or fields[0] in ENDED else fields[STARTED]


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the third on: "pid (name) state parent ...", with any name."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    """What a file of /proc says; nothing when the process is gone or another user's."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
