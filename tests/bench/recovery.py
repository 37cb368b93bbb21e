"""How long a job waits whose process dies under it, until it runs again.

    python -m tests.bench.recovery [--before ../before] [--rounds 5] [--only child process host]

Starts servers of its own. A host is a folder here: workers of one see none of the other's locks. What dies:

child      one process of a worker's pool
process    the main process, and with it all of them; 0.3 s later it is started again, as by supervisord
host       a worker that is not started again, while one on another host lives, and beat
silent     as `host`, stopped instead of killed
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.bench.processes import family
from tests.bench.start import service_environment
from tests.servers import PostgresServer, RedisServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
TASKS = "tests.sample.tasks"
SEND = f"import sys; from {TASKS} import wait_for_file; wait_for_file.delay(sys.argv[1])"
#: Before supervisord starts it again; systemd waits for a second (`RestartSec`).
RESTART_SECONDS = 0.3
PROCESSES = 2
#: Far beyond anything that is measured.
TIMEOUT_SECONDS = 180
#: After a start: beat gives nobody up at once.
SETTLED_SECONDS = 20


@dataclass(kw_only=True)
class Service:
    """What runs of a checkout, and where."""

    root: Path
    folder: Path
    environment: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def start(self, host: str) -> None:
        """A worker on that host; it consumes when this returns."""
        own = ("--queues=default", f"--concurrency={PROCESSES}", "--without-gossip", "--without-mingle")
        log = self._run(host, "worker", "-n", f"standard@{host}", *own, "-O", "fair", "-I", TASKS)
        wait_until(lambda: b"worker_ready" in log.read_bytes(), seconds=60, what="the worker consumes")

    def start_beat(self) -> None:
        """A beat that leads when this returns."""
        log = self._run("beat", "beat", "--pidfile=")
        wait_until(lambda: b"beat_leads" in log.read_bytes(), seconds=60, what="beat leads")

    def _run(self, host: str, *arguments: str) -> Path:
        place = self.folder / host
        place.mkdir(exist_ok=True)
        log = place / f"log-{next(self.numbers)}"
        with log.open("wb") as output:
            self.processes[host] = subprocess.Popen(
                (self.root / ".venv/bin/python", "-m", "app.celery_command", *arguments),
                cwd=place,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return log

    def begin(self) -> Path:
        """A job that runs now; the file that tells when it does."""
        path = self.folder / f"job-{next(self.numbers)}"
        command = (self.root / ".venv/bin/python", "-c", SEND, str(path))
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True)
        started = path.with_name(f"{path.name}.started")
        wait_until(started.exists, seconds=TIMEOUT_SECONDS, what="the job runs")
        return started

    def until_it_runs_again(self, started: Path, fault: Callable[[], object]) -> float:
        """Seconds from the fault to the job's next beginning; the job then ends."""
        started.unlink()
        began = time.monotonic()
        fault()
        while not started.exists():
            assert time.monotonic() - began < TIMEOUT_SECONDS, f"{started} did not come"
            time.sleep(0.005)
        passed = time.monotonic() - began
        started.with_suffix("").touch()
        return passed

    def kill(self, host: str, how: signal.Signals = signal.SIGKILL) -> None:
        """All of a worker at once."""
        os.killpg(self.processes[host].pid, how)

    def close(self) -> None:
        """End what still runs."""
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def child(service: Service) -> float:
    """Of the pool's processes, the one that runs the job."""
    started = service.begin()
    runner = _runner(service, "a")
    return service.until_it_runs_again(started, lambda: os.kill(runner, signal.SIGKILL))


def _runner(service: Service, host: str) -> int:
    """Which process runs the only job: it slept for the moments between its looks, the others for longer."""
    _, *children = family(service.processes[host].pid)
    switches = {pid: _switches(pid) for pid in children}
    time.sleep(0.5)
    return max(children, key=lambda pid: _switches(pid) - switches[pid])


def _switches(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def process(service: Service) -> float:
    """The main process; the job is an orphan until a worker takes its place."""

    def die_and_come_back() -> None:
        main = service.processes["a"]
        main.kill()
        main.wait()
        time.sleep(RESTART_SECONDS)
        service.start("a")

    return service.until_it_runs_again(service.begin(), die_and_come_back)


def host(service: Service) -> float:
    """The worker with the job."""
    return _given_up(service, signal.SIGKILL)


def silent(service: Service) -> float:
    """The worker with the job stands still."""
    return _given_up(service, signal.SIGSTOP)


def _given_up(service: Service, how: signal.Signals) -> float:
    started = service.begin()
    service.start("b")
    # At any moment between two heartbeats.
    time.sleep(random.uniform(0, 5))
    passed = service.until_it_runs_again(started, lambda: service.kill("a", how))
    for name in ("a", "b"):
        service.kill(name)
        service.processes[name].wait()
    service.start("a")
    return passed


FAULTS: dict[str, Callable[[Service], float]] = {
    "child": child,
    "process": process,
    "host": host,
    "silent": silent,
}


@contextmanager
def running(root: Path) -> Iterator[Service]:
    """A worker and a beat of that checkout."""
    with ExitStack() as stack:
        redis, postgres = RedisServer(), PostgresServer(settings=())
        for server in (redis, postgres):
            stack.callback(server.close)
            server.start()
        postgres.execute("CREATE DATABASE bench")
        environment = service_environment(redis.url, postgres.url("bench"))
        environment |= {"PYTHONPATH": str(root), "REMAP_SIGTERM": "SIGQUIT"}
        migrate = (root / ".venv/bin/python", "-m", "app", "migrate")
        subprocess.run(migrate, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        service = Service(root=root, folder=Path(folder), environment=environment)
        stack.callback(service.close)
        service.start_beat()
        service.start("a")
        time.sleep(SETTLED_SECONDS)
        yield service


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, help="another checkout, to be measured beside this one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=FAULTS, default=list(FAULTS))
    asked = parser.parse_args()
    roots = {"now": ROOT} | ({"before": asked.before.resolve()} if asked.before else {})
    table = Table(title=f"Seconds until a job runs again, {asked.rounds} times each")
    for column in ("what dies", "checkout", "median", "worst"):
        table.add_column(column, justify="right" if column in {"median", "worst"} else "left")
    with ExitStack() as stack:
        services = {name: stack.enter_context(running(root)) for name, root in roots.items()}
        for fault in asked.only:
            for name, service in services.items():
                found = [FAULTS[fault](service) for _ in range(asked.rounds)]
                table.add_row(fault, name, f"{statistics.median(found):.2f}", f"{max(found):.2f}")
    Console(width=100).print(table)
    sys.stdout.write("load: {:.1f}, {:.1f}, {:.1f}\n".format(*os.getloadavg()))


if __name__ == "__main__":
    main()
