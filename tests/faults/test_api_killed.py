"""Processes of the API are killed while clients submit: whatever was answered is in the ledger."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Job
from tests.http.test_gunicorn_worker import Server
from tests.servers import free_port, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

JOB = {"task": "invoices.send_payment_reminders", "arguments": {}}
CLIENTS = 8
KILLS = 2
#: Answered before each kill.
ANSWERS = 50


class Clients:
    """They submit jobs one after the other, each for itself, and note which were answered."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._end = threading.Event()
        self.answered: list[str] = []
        self._threads = [threading.Thread(target=self._submit) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, answers: int) -> None:
        wait_until(lambda: len(self.answered) >= answers, seconds=60, what=f"{answers} jobs are answered")

    def end(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _submit(self) -> None:
        while not self._end.is_set():
            with suppress(httpx.TransportError), self._server.client() as client:
                while not self._end.is_set():
                    answer = client.post("/api/v1/jobs", json=JOB).raise_for_status()
                    self.answered.append(answer.json()["id"])


def test_every_job_that_was_answered_is_in_the_ledger(
    database: Engine, configure: Callable[..., None], tmp_path: Path
) -> None:
    port = free_port()
    configure(api_port=port, api_workers=1)
    server = Server(port=port, log=tmp_path / "api.log")
    clients = Clients(server)
    try:
        for kill in range(1, KILLS + 1):
            clients.wait_for(kill * ANSWERS)
            os.kill(serving(server), signal.SIGKILL)
    finally:
        clients.end()
        stop(server.process)
    with reading() as session:
        stored = set(session.scalars(select(Job.id)))
    assert len(clients.answered) == len(set(clients.answered))
    assert set(clients.answered) <= stored


def serving(server: Server) -> int:
    """The process that serves just now."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    wait_until(lambda: children.read_text().split() != [], seconds=30, what="a process serves")
    return int(children.read_text().split()[0])
