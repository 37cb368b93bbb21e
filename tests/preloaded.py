"""Starts Python modules as forks of a process that has imported what they need, else as `python -m` does.

Importing takes longer than all else that a worker does until it consumes. That process, this module run as a
program, knows nothing of any test: a fork is told its environment, its folder and its log, and reads the
settings itself.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from app import freeze_loaded
from app.packages import modules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
#: What reads no settings as it is imported; without any, the rest would be refused here.
PRELOADED = (
    "app.health.monitor.thread",
    "app.jobs.celery.adopt",
    "app.jobs.celery.backend",
    "app.jobs.celery.transport.broker",
    "app.schedule.beat",
    "app.worker.lifecycle",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "celery.worker.pidbox",
    "celery.worker.strategy",
    "email_validator",
    "httpx",
    "jinja2",
    "kombu.transport.redis",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
)
#: Where services are: all that reads no settings and serves no HTTP is loaded, for any task may be run.
SERVICES = ("domains", "outbound")
#: May be missing, and is.
NO_ENV_FILE = f"-{os.devnull}"
#: More than an environment takes.
MAX_MESSAGE_BYTES = 128 * 1024
#: Where its end is told, and its output, errors and input.
MAX_DESCRIPTORS = 4
_NUMBER = struct.Struct("i")


class Forked:
    """A process that was forked, with as much of `subprocess.Popen` as tests ask of one."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.pid = self._number()
        self.returncode: int | None = None

    def _number(self) -> int:
        return int(_NUMBER.unpack(self._told.recv(_NUMBER.size))[0])

    def poll(self) -> int | None:
        """What it ended with; None while it runs."""
        try:
            return self.wait(timeout=0)
        except (BlockingIOError, TimeoutError):
            return None

    def wait(self, timeout: float | None = None) -> int:
        """What it ended with. Raises `TimeoutError` when it has not in time."""
        if self.returncode is None:
            self._told.settimeout(timeout)
            self.returncode = self._number()
            self._told.close()
        return self.returncode

    def send_signal(self, how: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, how)


def start(
    module: str,
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    log: int,
    errors: int | None = None,
) -> Forked:
    """Run a module in `folder` and in a session of its own.

    What it prints goes to the open file `log`, and so do its errors unless they have one of their own.
    """
    streams = (log, log if errors is None else errors)
    return ask(_preloaded(), module, *arguments, environment=environment, folder=folder, streams=streams)


def command(module: str) -> tuple[str, ...]:
    """A command line for our own code to start, which is such a fork in place of `python -m`."""
    _preloaded()
    return (sys.executable, "-S", "-m", "tests.forked", _door(), module)


def ask(
    forks: socket.socket,
    module: str,
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    streams: Sequence[int],
) -> Forked:
    """Ask for a fork whose output, errors and input, as far as given, are open files of this process."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asked = {"argv": [module, *arguments], "environment": dict(environment), "folder": str(folder)}
    with its:
        socket.send_fds(forks, [json.dumps(asked).encode()], [its.fileno(), *streams])
    return Forked(mine)


def _door() -> str:
    """The name of a socket for processes that this one did not start itself."""
    return f"groundwork-forks-{os.getpid()}"


@cache
def _preloaded() -> socket.socket:
    """Where to ask for forks. The process there ends with this one."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind(f"\0{_door()}")
    door.listen()
    with its, door:
        passed = [its.fileno(), door.fileno()]
        command = [sys.executable, "-m", __name__, *map(str, passed)]
        own = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDWORK_")}
        # With the settings of a service that was started in this checkout, what reads some would be loaded.
        environment = own | {"PYTHONPATH": str(ROOT), "GROUNDWORK_ENV_FILE": NO_ENV_FILE}
        subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=passed, stdin=subprocess.DEVNULL)
    return mine


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a fork is to be."""

    argv: list[str]
    environment: dict[str, str]
    folder: str

    def replace_process(self, streams: Sequence[int]) -> None:
        os.setsid()
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        for stream, number in zip(streams, (1, 2, 0), strict=False):
            os.dup2(stream, number)
        # What this process listens to and tells is no business of its forks.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        sys.argv = self.argv
        sys.path[0] = self.folder
        runpy.run_module(self.argv[0], run_name="__main__", alter_sys=True)


class Forks:
    """Forks for whoever asks by one of two sockets, and tells how each fork ended."""

    def __init__(self, asking: socket.socket, door: socket.socket) -> None:
        self._asking = asking
        self._door = door
        #: By the descriptor that shows its end: a fork, and where its end is told.
        self._running: dict[int, tuple[int, int]] = {}
        self._poll = select.poll()
        for each in (asking, door):
            self._poll.register(each, select.POLLIN)

    def serve(self) -> None:
        """Until nobody can ask any more; what still runs then has nobody to end it, and is killed."""
        while self._poll_once():
            pass
        for pid, _ in self._running.values():
            os.killpg(pid, signal.SIGKILL)

    def _poll_once(self) -> bool:
        for descriptor, _ in self._poll.poll():
            if descriptor in self._running:
                self._tell_end(descriptor)
            elif descriptor == self._door.fileno():
                with self._door.accept()[0] as visitor:
                    received = _receive(visitor)
                self._fork(*received)
            elif not self._fork(*_receive(self._asking)):
                return False
        return True

    def _fork(self, message: bytes, descriptors: Sequence[int]) -> bool:
        """Whether somebody asked for a fork."""
        if not message:
            return False
        asked, (told, *streams) = Asked(**json.loads(message)), descriptors
        pid = os.fork()
        if pid == 0:
            # Closed with all others; once more, at its end, would close what has their numbers by then.
            for inherited in (self._asking, self._door):
                inherited.detach()
            asked.replace_process(streams)
            sys.exit()
        for each in streams:
            os.close(each)
        os.write(told, _NUMBER.pack(pid))
        end = os.pidfd_open(pid)
        self._running[end] = (pid, told)
        self._poll.register(end, select.POLLIN)
        return True

    def _tell_end(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        pid, told = self._running.pop(descriptor)
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):  # (nobody waits for it any more)
            os.write(told, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
        for each in (descriptor, told):
            os.close(each)


def load() -> None:
    """Load what workers and beats need."""
    # Not above: `tests.forked` imports this module and finds no libraries.
    from app.settings.sources import ConfigError

    for name in PRELOADED:
        importlib.import_module(name)
    modules("models")
    # So that importing it fails.
    sys.modules["fastapi"] = None  # type: ignore[assignment]
    for path in sorted(path for folder in SERVICES for path in (ROOT / "app" / folder).rglob("*.py")):
        with suppress(ConfigError, ImportError):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    del sys.modules["fastapi"]


def _receive(asking: socket.socket) -> tuple[bytes, list[int]]:
    message, descriptors, *_ = socket.recv_fds(asking, MAX_MESSAGE_BYTES, MAX_DESCRIPTORS)
    return message, descriptors


if __name__ == "__main__":
    load()
    # Else a fork that ends looks through all of it for garbage, and copies it to do so.
    freeze_loaded()
    Forks(*(socket.socket(fileno=int(number)) for number in sys.argv[1:])).serve()
