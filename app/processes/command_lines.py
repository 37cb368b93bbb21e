"""How each service is started: the command line, the environment, and becoming that process."""

from __future__ import annotations

import errno
import faulthandler
import os
import runpy
import socket
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app.errors import Unavailable
from app.processes import lean_libraries
from app.processes.pidfile import pidfile_argument
from app.processes.worker_names import node_of
from app.settings.config import settings
from app.settings.secret import refuse_weak_secret
from app.settings.sources import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.topology import Pool

#: A predecessor that was told to stop may hold its socket for so long.
TAKEOVER_TIME = timedelta(seconds=3)
FLOWER_SETTINGS = Path(__file__).with_name("flower_settings.py")
CELERY = "app.celery_command"


class PortTaken(Unavailable):
    """Raised when another program listens where a service is to listen."""

    def __init__(self, *, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} on {host} is taken by another program (see: ss -ltnp 'sport = :{port}'). Stop it, "
            "or choose another with --port or GROUNDWORK_API_PORT."
        )


class UnusableLogFolder(ConfigError):
    """Raised when the log folder cannot take a service's log."""

    def __init__(self, *, path: Path, problem: str) -> None:
        super().__init__(
            f"GROUNDWORK_LOG_DIR is {path}, which {problem}. Create it for the user that runs the service: "
            f"install -d -m 0750 -o $USER {path}"
        )


class DetachedWithoutLog(ConfigError):
    """Raised when a process is to detach and its log would go nowhere."""

    def __init__(self) -> None:
        super().__init__(
            "A detached worker has no standard error to log to. Set GROUNDWORK_LOG_DIR to a folder, "
            "or leave --detach out."
        )


@dataclass(frozen=True, kw_only=True)
class Process:
    """A program to run: its module, the arguments, and what is added to the environment."""

    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def api_process(*, port: int | None = None, workers: int | None = None) -> Process:
    """gunicorn with the API; all of its settings are in `app.http.gunicorn_settings`."""
    given = {"GROUNDWORK_API_PORT": port, "GROUNDWORK_API_WORKERS": workers}
    # Settings and log folder are refused here in one sentence, and not by each of gunicorn's workers.
    log_file("api")
    refuse_taken_port(settings().api_host, port or settings().api_port)
    return Process(
        module="gunicorn",
        arguments=("-c", "python:app.http.gunicorn_settings", "app.api:app"),
        environment={name: str(value) for name, value in given.items() if value is not None},
    )


def refuse_taken_port(host: str, port: int) -> None:
    """Raise `PortTaken` when a socket is there already, and stays: a predecessor may need a moment to stop.

    Where systemd hands the socket over, it is there rightly. An address that cannot be looked up or is not
    this host's is left to the service, whose own message names it.
    """
    if "LISTEN_FDS" in os.environ:
        return
    until = time.monotonic() + TAKEOVER_TIME.total_seconds()
    while _is_taken(host, port):
        if time.monotonic() > until:
            raise PortTaken(host=host, port=port)
        time.sleep(0.1)


def _is_taken(host: str, port: int) -> bool:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As gunicorn does: connections that linger from before are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def worker_process(
    pool: Pool,
    *,
    concurrency: int | None = None,
    background: bool = False,
    pidfile: Path | None = None,
    generation: int = 1,
) -> Process:
    """A Celery worker that drains the queues of `pool`."""
    logfile = log_file(f"worker-{pool.name}")
    return Process(
        module=CELERY,
        arguments=(
            "worker",
            "-n",
            node_of(pool.name, generation=generation),
            f"--queues={','.join(pool.queues)}",
            f"--pool={pool.kind}",
            f"--concurrency={concurrency or settings().worker_concurrency or pool.concurrency}",
            # Workers learn nothing from each other here, and the chatter delays every start by a second.
            "--without-gossip",
            "--without-mingle",
            "-O",
            "fair",
            *_log_arguments(logfile),
            *([f"--announce={pidfile.absolute()}"] if pidfile else []),
            *(["--in-background"] if background else []),
        ),
        # Without it Celery would not listen to SIGTERM as to a request that can be obeyed in a limited time.
        environment={"REMAP_SIGTERM": "SIGQUIT"},
    )


def beat_process(*, pidfile: Path | None = None) -> Process:
    """The scheduler."""
    own = [pidfile_argument(pidfile.absolute())] if pidfile else []
    return Process(module=CELERY, arguments=("beat", *_log_arguments(log_file("beat")), *own))


def flower_process() -> Process:
    """Flower; its settings are in a file, so that the password is not on the command line.

    Raises `DefaultSecret` when there is no real password.
    """
    flower_credentials()
    return Process(module=CELERY, arguments=("flower", f"--conf={FLOWER_SETTINGS}"))


def flower_credentials() -> str:
    """What a browser must send to Flower. Raises `DefaultSecret` when there is no real password."""
    password = settings().flower_password.get_secret_value()
    refuse_weak_secret(name="GROUNDWORK_FLOWER_PASSWORD", value=password)
    return f"{settings().flower_user}:{password}"


def log_file(service: str) -> Path | None:
    """Where `service` logs to; None is standard error. The folder is known to be writable."""
    folder = settings().log_dir
    if folder is None:
        return None
    if not folder.is_dir():
        raise UnusableLogFolder(path=folder, problem="is not a folder")
    path = folder / f"{service}.log"
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UnusableLogFolder(path=folder, problem=f"does not let {path.name} be written")
    return path


def replace_process(process: Process) -> NoReturn:
    """Turn into `process`: same process id, so that signals and sockets of the supervisor reach it.

    What is loaded by now need not be loaded again, which a start by `exec` would do.
    """
    os.environ.update(process.environment)
    settings.cache_clear()
    # The journal then shows where a process stood when the watchdog of systemd ended it.
    faulthandler.enable()
    sys.argv[1:] = process.arguments
    lean_libraries.load()
    runpy.run_module(process.module, run_name="__main__", alter_sys=True)
    sys.exit()


def _log_arguments(logfile: Path | None) -> list[str]:
    level = f"--loglevel={settings().log_level}"
    return [level] if logfile is None else [level, f"--logfile={logfile.absolute()}"]
