"""Asks the real application for pages, as a browser in which an administrator has signed in."""

from __future__ import annotations

import gzip
import re
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import Engine, event

from app import freeze_loaded
from app.api import app
from app.console import places
from app.console.assets import FOLDER
from app.jobs.transitions import sampling
from tests.bench.console.places import Place, all_places
from tests.bench.processes import cpu_seconds, family
from tests.console.browser import HERE
from tests.console.journeys import world
from tests.domains.accounts.people import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM, ASKED = 5, 60
#: A page that takes so long in all is not asked for again.
PATIENCE_SECONDS = 20
MS, KB = 1_000, 1_000
#: Of a page of 50 jobs, of all scripts, and of all that a first visit asks for.
MAX_LIST, MAX_LIST_PACKED, MAX_SCRIPTS_PACKED, MAX_VISIT, MAX_REQUESTS = 40, 8, 20, 120, 5
MILLION = 1_000_000
COLUMNS = ("least", "p50 ms", "p95 ms", "bar", "CPU ms", "of PG", "KB", "packed")
#: Characters of a statement.
MAX_SHOWN = 200
_FILE = re.compile(rf'"({places.STATIC}[^"]+)"')
_SEARCHED = "Searched back to"


@dataclass(kw_only=True)
class Asked:
    """What a page took, and how long it is."""

    status: int
    body: bytes
    taken: list[float] = field(default_factory=list)
    #: Of the processor for the application, which other work does not lengthen as much.
    worked: list[float] = field(default_factory=list)
    #: And for PostgreSQL, on average.
    served: float = 0.0

    @property
    def p50(self) -> float:
        return statistics.median(self.taken)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.taken, n=20)[-1]


async def ask_all(*, jobs: int, only: str, server: int) -> None:
    """Print what each page takes, and what a visit brings."""
    freeze_loaded()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://bench") as client:
        form = {"email": world.ADMIN, "password": PASSWORD}
        answer = await client.post(places.SIGN_IN, data=form, headers=HERE)
        if answer.status_code != HTTPStatus.SEE_OTHER:
            raise SystemExit(f"Signing in was answered {answer.status_code}: {answer.text[:500]}")
        print(f"{'page':<64}{''.join(f'{name:>8}' for name in COLUMNS)}")
        for place in all_places():
            if only in place.address:
                await _print(client, place, jobs=jobs, server=server)
        await _print_visit(client)


async def _print(client: httpx.AsyncClient, place: Place, *, jobs: int, server: int) -> None:
    found = await _ask(client, place, server=server)
    bar = place.bars[jobs > MILLION] if place.bars else None
    notes = [] if found.status in (HTTPStatus.OK, HTTPStatus.SEE_OTHER) else [f"answered {found.status}"]
    if _SEARCHED.encode() in found.body:
        notes.append("searched back to a time")
    is_over = bar is not None and found.p95 > bar
    if is_over:
        notes.append("OVER")
    raw, packed = _sizes(found.body)
    times = f"{min(found.taken):>8.1f}{found.p50:>8.1f}{found.p95:>8.1f}{bar or '':>8}"
    worked = f"{statistics.median(found.worked):>8.1f}{found.served:>8.1f}"
    print(f"{place!s:<64.63}{times}{worked}{raw:>8.1f}{packed:>8.1f}  {', '.join(notes)}", flush=True)
    if is_over:
        with _statements() as seen:
            await client.get(place.address)
        seconds, statement = max(seen)
        _, _, source = " ".join(statement.split()).partition(" FROM ")
        print(f"    of {len(seen)} statements, {seconds * MS:.1f} ms for one FROM {source[:MAX_SHOWN]}")


async def _ask(client: httpx.AsyncClient, place: Place, *, server: int) -> Asked:
    # As beat does every some seconds.
    sampling.take()
    for _ in range(WARM):
        answer = await client.get(place.address)
    found = Asked(status=answer.status_code, body=answer.content)
    began, served = time.perf_counter(), _used(server)
    while len(found.taken) < 2 or (
        len(found.taken) < ASKED and time.perf_counter() - began < PATIENCE_SECONDS
    ):
        asked, at_work = time.perf_counter(), time.process_time()
        await client.get(place.address)
        found.taken.append((time.perf_counter() - asked) * MS)
        found.worked.append((time.process_time() - at_work) * MS)
    found.served = (_used(server) - served) * MS / len(found.taken)
    return found


def _used(server: int) -> float:
    return sum(map(cpu_seconds, family(server)))


async def _print_visit(client: httpx.AsyncClient) -> None:
    shown = (await client.get(places.JOBS)).content
    raw, packed = _sizes(shown)
    print(f"a page of jobs: {raw:.1f} KB of {MAX_LIST}, packed {packed:.1f} of {MAX_LIST_PACKED}")
    scripts = sum(_sizes(path.read_bytes())[1] for path in FOLDER.glob("*.js"))
    print(f"scripts, packed: {scripts:.1f} KB of {MAX_SCRIPTS_PACKED}")
    first = (await client.get(places.ROOT)).content
    files = sorted(set(_FILE.findall(first.decode())))
    bodies = [first, *[(await client.get(name)).content for name in files]]
    whole = sum(_sizes(body)[0] for body in bodies)
    print(f"first visit: {whole:.1f} KB of {MAX_VISIT} in {len(bodies)} requests of {MAX_REQUESTS}")


def _sizes(body: bytes) -> tuple[float, float]:
    return len(body) / KB, len(gzip.compress(body)) / KB


@contextmanager
def _statements() -> Iterator[list[tuple[float, str]]]:
    """What the database is asked meanwhile, and for how many seconds."""
    begun: dict[int, float] = {}
    seen: list[tuple[float, str]] = []

    def before(_connection: Any, cursor: Any, *_: Any) -> None:
        begun[id(cursor)] = time.perf_counter()

    def after(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append((time.perf_counter() - begun[id(cursor)], statement))

    listeners = (("before_cursor_execute", before), ("after_cursor_execute", after))
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    try:
        yield seen
    finally:
        for name, listener in listeners:
            event.remove(Engine, name, listener)
