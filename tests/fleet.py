"""Starts real workers and beats as processes, with the test's settings and the sample tasks."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.clock import clock
from app.db.sessions import reading
from app.jobs.ledger.models import Job, State, Worker
from app.schedule.leader import BEAT
from app.schedule.models import Leader
from tests import preloaded
from tests.servers import START_TIMEOUT_SECONDS, stop, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.preloaded import Forked

ROOT = Path(__file__).parents[1]
#: The kind of pool of workers for which a test does not say it; `scripts/test --pool threads`.
POOL = os.environ.get("TEST_POOL", "prefork")
#: For a test in which the process of one job ends and the others' do not.
of_processes = pytest.mark.skipif(POOL != "prefork", reason="threads end with the process of them all")
ALONE = ("--without-gossip", "--without-mingle")


@dataclass
class Process:
    """A worker or beat in a process group of its own, so that it can be killed as a whole."""

    name: str
    popen: Forked
    log: Path

    def kill(self) -> None:
        """End it and its children as a lost machine would."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(timeout=stretched(START_TIMEOUT_SECONDS))

    def stop(self) -> None:
        """Ask it to stop and wait until it has."""
        stop(self.popen)


@dataclass
class Fleet:
    """The processes of one test; `close` ends those that still run."""

    folder: Path
    include: str = "tests.sample.tasks"
    processes: list[Process] = field(default_factory=list)
    #: What the workers drain. Beat may fire a schedule of another queue meanwhile.
    queues: set[str] = field(default_factory=set)

    def start_worker(
        self,
        name: str = "standard",
        *,
        queues: str = "default,discounts",
        processes: int = 2,
        options: Sequence[str] = ALONE,
        kind: str = POOL,
    ) -> Process:
        """A worker that consumes when this returns."""
        known = _worker_names()
        self.queues.update(queues.split(","))
        arguments = ["worker", "-n", f"{name}@%h", "-Q", queues, "-c", str(processes), "-P", kind]
        arguments += ["-I", self.include]
        started = self._start(name, [*arguments, *options])
        self._wait(started, lambda: _worker_names() - known, what=f"worker {name} consumes")
        return started

    def start_beat(
        self, name: str = "beat", *, leads: bool = True, application: str = "app.celery_app"
    ) -> Process:
        """A beat; one that `leads` does when this returns."""
        started = self._start(name, ["beat", "--pidfile="], application=application)
        if leads:
            self._wait(started, _leader, what="beat leads")
        return started

    def wait_until_all_ended(self, *, seconds: float) -> None:
        """Wait until every job that the workers can run has ended."""

        def all_ended() -> bool:
            with reading() as session:
                states = session.scalars(select(Job.state).where(Job.queue.in_(self.queues)))
                return all(State(state).is_terminal for state in states)

        wait_until(all_ended, seconds=seconds, what="every job has ended")

    def _start(self, name: str, arguments: list[str], *, application: str = "app.celery_app") -> Process:
        log = self.folder / f"{name}-{len(self.processes)}.log"
        popen = start_celery(*arguments, log=log, application=application, REMAP_SIGTERM="SIGQUIT")
        process = Process(name=name, popen=popen, log=log)
        self.processes.append(process)
        return process

    def _wait(self, process: Process, condition: object, *, what: str) -> None:
        def ready() -> object:
            assert process.popen.poll() is None, f"{process.name} ended:\n{process.log.read_text()}"
            assert callable(condition)
            return condition()

        wait_until(ready, seconds=START_TIMEOUT_SECONDS, what=what)

    def close(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.kill()


def start_celery(
    *arguments: str, log: Path, application: str = "app.celery_app", **environment: str
) -> Forked:
    """One of Celery's commands, which works in the folder of its log."""
    command = ("celery", "-A", application, *arguments)
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    with log.open("wb") as output:
        return preloaded.start(*command, environment=variables, folder=log.parent, log=output.fileno())


def run_celery(*arguments: str) -> str:
    """What one of Celery's commands prints; it is done by then."""
    with TemporaryDirectory(prefix="groundwork-celery-") as folder:
        log = Path(folder, "printed")
        code = start_celery(*arguments, log=log).wait(timeout=stretched(60))
        printed = log.read_text()
    assert code == 0, printed
    return printed


def _worker_names() -> set[str]:
    with reading() as session:
        return set(session.scalars(select(Worker.name)))


def _leader() -> str | None:
    with reading() as session:
        return session.scalar(select(Leader.holder).where(Leader.name == BEAT, Leader.until > clock()))
