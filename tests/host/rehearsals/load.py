"""Clients that use the service without a pause while something is done to it, and count what failed."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.servers import wait_until

if TYPE_CHECKING:
    from types import TracebackType

TIMEOUT_SECONDS = 60.0
#: Seconds that long jobs take, one after the other, in each of `nappers` places.
NAPS = (60, 7, 30, 2, 45, 15, 1)
NAP_TASKS = ("rehearsal.nap", "rehearsal.nap", "rehearsal.nap_in_bulk")
TERMINAL = {"done", "dead", "cancelled"}
_NUMBERS = itertools.count()


@dataclass
class Tally:
    """What was asked and what came of it."""

    sent: int = 0
    failures: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    #: The jobs that were accepted: the id, and the name they leave a row with.
    accepted: dict[str, str] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """The latency that this share of the requests stayed below."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def __str__(self) -> str:
        return (
            f"{self.sent} requests, {len(self.failures)} failed, {len(self.accepted)} jobs accepted, "
            f"p50 {self.percentile(0.5) * 1000:.0f} ms, p99 {self.percentile(0.99) * 1000:.0f} ms, "
            f"slowest {self.percentile(1) * 1000:.0f} ms"
        )


@dataclass
class Load:
    """Half of the `clients` keep their connection, the others make a new one for each request."""

    address: str
    token: str
    requests_per_second: float
    clients: int = 8
    #: One of so many requests submits a job; 0: none does.
    job_every: int = 10
    #: So many long jobs run at any time; fewer than there are processes, so that short ones still pass.
    nappers: int = 0
    tally: Tally = field(default_factory=Tally)
    name: str = field(default_factory=lambda: f"load{secrets.token_hex(4)}")
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        assert self._thread
        self._thread.join(timeout=2 * TIMEOUT_SECONDS)

    def wait_for_requests(self, count: int) -> None:
        """Return when `count` more requests were answered."""
        wanted = self.tally.sent + count
        seconds = 10 * count / self.requests_per_second
        wait_until(lambda: self.tally.sent >= wanted, seconds=seconds, what=f"{count} more requests")

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(self._client(keep_alive=number % 2 == 0))
            for number in range(self.nappers):
                group.create_task(self._napper(NAP_TASKS[number % len(NAP_TASKS)], first=number))

    def _session(self, *, keep_alive: bool) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token}"}
        if not keep_alive:
            headers["Connection"] = "close"
        return httpx.AsyncClient(
            base_url=f"https://{self.address}",
            headers=headers,
            limits=httpx.Limits(max_keepalive_connections=1 if keep_alive else 0),
            timeout=TIMEOUT_SECONDS,
            # The host's certificate is signed by itself.
            verify=False,
        )

    async def _client(self, *, keep_alive: bool) -> None:
        async with self._session(keep_alive=keep_alive) as client:
            pause = self.clients / self.requests_per_second
            due = time.monotonic()
            while not self._stop.is_set():
                await self._use(client, number=next(_NUMBERS))
                # After a slow answer the pace is made up for, but not without end.
                due = max(due + pause, time.monotonic() - 1)
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _napper(self, task: str, *, first: int) -> None:
        durations = itertools.cycle(NAPS[first % len(NAPS) :] + NAPS[: first % len(NAPS)])
        async with self._session(keep_alive=False) as client:
            while not self._stop.is_set():
                job = await self._submit(client, task, seconds=next(durations))
                while job and not await self._is_finished(client, job):
                    await asyncio.sleep(0.5)

    async def _use(self, client: httpx.AsyncClient, *, number: int) -> None:
        if self.job_every and number % self.job_every == 0:
            await self._submit(client, "rehearsal.note")
        elif number % 2:
            await self._request(client, "GET", "/api/v1/jobs", params={"limit": 5})
        else:
            await self._request(client, "GET", "/api/v1/tasks")

    async def _submit(self, client: httpx.AsyncClient, task: str, **arguments: object) -> str | None:
        name = f"{self.name}-{next(_NUMBERS)}"
        body = {"task": task, "arguments": {"name": name, **arguments}}
        answer = await self._request(client, "POST", "/api/v1/jobs", json=body)
        if answer is None:
            return None
        job: str = answer.json()["id"]
        self.tally.accepted[job] = name
        return job

    async def _is_finished(self, client: httpx.AsyncClient, job: str) -> bool:
        answer = await self._request(client, "GET", f"/api/v1/jobs/{job}")
        return answer is not None and answer.json()["state"] in TERMINAL

    async def _request(
        self, client: httpx.AsyncClient, method: str, path: str, **options: Any
    ) -> httpx.Response | None:
        """The answer if it is a good one; what else happens is counted."""
        began = time.monotonic()
        why = ""
        try:
            answer = await client.request(method, path, **options)
            if not answer.is_success:
                why = f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as error:
            why = repr(error)
        self.tally.sent += 1
        self.tally.latencies.append(time.monotonic() - began)
        if why:
            self.tally.failures.append(f"{time.strftime('%H:%M:%S')} {method} {path}: {why}")
            return None
        return answer
