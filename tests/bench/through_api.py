"""Jobs accepted per second through the HTTP API under gunicorn, as clients see it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from app.db.sessions import transaction
from app.tokens.service import create_token
from tests.bench import measures
from tests.servers import START_TIMEOUT_SECONDS, free_port, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 8
SINGLE = 800
BATCHES = 8
BATCH = 1000
JOB = {"task": "bench.nothing", "arguments": {}}


def accepted_through_api() -> dict[str, float]:
    """One by one from several clients, and 1,000 in one call."""
    with served() as client:
        return {
            "accepted/s, API, one by one": measures.rate(SINGLE, lambda: _one_by_one(client)),
            "accepted/s, API, 1,000 at once": measures.rate(
                BATCHES * BATCH, lambda: [batch(client) for _ in range(BATCHES)]
            ),
        }


@contextmanager
def served() -> Iterator[httpx.Client]:
    """A client that may do all, of an API of its own."""
    with transaction() as session:
        token = create_token(session, name=f"bench-{os.getpid()}", scopes=["*"]).secret
    with _gunicorn() as url, httpx.Client(base_url=url, timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        wait_until(lambda: _answers(client), seconds=START_TIMEOUT_SECONDS, what="the API answers")
        yield client


@contextmanager
def _gunicorn() -> Iterator[str]:
    port = free_port()
    environment = {**os.environ, "GROUNDWORK_API_PORT": str(port)}
    command = [sys.executable, "-m", "gunicorn", "-k", "asgi", "-w", "2", "-b", f"127.0.0.1:{port}"]
    command += ["--log-level", "warning", "--no-control-socket", "tests.bench.served:app"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        stop(process)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/jobs").is_success
    except httpx.TransportError:
        return False


def _one_by_one(client: httpx.Client) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        for answer in pool.map(lambda _: client.post("/jobs", json=JOB), range(SINGLE)):
            answer.raise_for_status()


def batch(client: httpx.Client) -> httpx.Response:
    """One call that brings 1,000 jobs."""
    return client.post("/jobs/batch", json={"jobs": [JOB] * BATCH}).raise_for_status()
