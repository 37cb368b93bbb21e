"""What auditing costs: a request with and without it in turns, and a page of each search over many rows.

    .venv/bin/python -m tests.bench.audit

Needs GROUNDWORK_DATABASE_URL of a migrated, empty PostgreSQL, and GROUNDWORK_REDIS_URL.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from app.api import app
from app.db.sessions import reading, transaction
from app.domains.audit import search
from app.domains.audit.models import Operation
from app.domains.audit.recording.writer import recording
from app.domains.audit.records import first_id
from app.domains.audit.schemas import OperationFilter
from tests.api_client import new_token

ROWS = 1_000_000
ROUNDS, REQUESTS = 40, 50
PAGE = 50


def filling(rows: int) -> str:
    """One row each half minute up to now; users, routes, statuses and addresses as uneven as real ones."""
    return f"""
INSERT INTO operation_log (id, at, trace_id, user_id, user_name, token_id, method, route, title, path,
    arguments, status, code, milliseconds, left_out, address, user_agent)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid,
    to_timestamp(ms / 1000.0), md5(n::text), n % 5000 + 1, 'user-' || (n % 5000), 'abcdef012345',
    CASE WHEN n % 20000 = 0 THEN 'DELETE' WHEN n % 7 = 0 THEN 'PATCH' ELSE 'POST' END,
    '/api/v1/route' || (n % 40) || '/{{id}}', 'Route', '/api/v1/route' || (n % 40) || '/' || n,
    '{{"body": {{"name": "somebody", "amount": 12.5}}}}',
    CASE WHEN n % 50000 = 0 THEN 500 WHEN n % 100 = 0 THEN 403 ELSE 200 END,
    CASE WHEN n % 50000 = 0 THEN 'internal_error' WHEN n % 100 = 0 THEN 'missing_scope' END,
    n % 300, 0, '10.0.' || (n % 256) || '.' || (n % 200), 'curl/8.1.2'
FROM (SELECT n, (extract(epoch FROM now()) * 1000)::bigint - ({rows} - n::bigint) * 30000 AS ms
      FROM generate_series(1, {rows}) AS n) AS rows
"""


def main() -> None:
    asyncio.run(compare())
    with transaction() as session:
        session.execute(text("TRUNCATE operation_log"))
        session.execute(text(filling(ROWS)))
    with transaction() as session:
        session.execute(text("ANALYZE operation_log"))
    for filters in searches():
        look_for(filters)


async def compare() -> None:
    """The same requests in rounds, of which every second one is recorded."""
    headers = {"Authorization": f"Bearer {new_token().secret}", "User-Agent": "curl/8.1.2"}
    spent: dict[bool, list[float]] = {False: [], True: []}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers) as client:
        for number in range(ROUNDS):
            is_recorded = bool(number % 2)
            async with recording(app) if is_recorded else nullcontext():
                taken = [await seconds_of(client) for _ in range(REQUESTS)]
            # The first ones of a round start threads and fill caches.
            spent[is_recorded] += taken[5:]
    without, with_log = (statistics.median(spent[kind]) * 1000 for kind in (False, True))
    print(f"request: {without:.3f} ms without, {with_log:.3f} ms with the log, {with_log - without:+.3f} ms")


async def seconds_of(client: httpx.AsyncClient) -> float:
    body = {"task": "pricing.recompute_all_discounts", "arguments": {"days_threshold": 14}}
    began = time.perf_counter()
    answer = await client.post("/api/v1/jobs", json=body)
    answer.raise_for_status()
    return time.perf_counter() - began


def searches() -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    year_ago = {
        "after": (now - timedelta(days=200)).isoformat(),
        "before": (now - timedelta(days=190)).isoformat(),
    }
    return [
        {},
        {"user": "user-7"},
        {"user_id": 8},
        {"method": "DELETE"},
        {"method": "POST"},
        {"route": "/api/v1/route7/{id}"},
        {"path": "/api/v1/route7/"},
        {"path": "/api/v1/"},
        {"path": "/api/v1/route7/12345"},
        {"path": "/nowhere"},
        {"status": 500},
        {"status": 200},
        {"code": "internal_error"},
        {"code": "missing_scope"},
        {"address": "10.0.7.7"},
        {"trace_id": "c4ca4238a0b923820dcc509a6f75849b"},
        year_ago,
        {"user": "user-7", **year_ago},
        {"status": 403, **year_ago},
        {"path": "/api/v1/route7/", **year_ago},
        {"user": "user-7", "status": 403},
        {"method": "DELETE", "path": "/api/v1/route7/"},
        {"status": 500, "method": "PATCH", "route": "/api/v1/route9/{id}"},
    ]


def look_for(wanted: dict[str, Any]) -> None:
    """The slowest of the first pages, on which the plan is made, and of one in the middle."""
    filters = OperationFilter.model_validate(wanted)
    taken = []
    for cursor in [None] * 8 + [first_id(datetime.now(UTC) - timedelta(days=170))] * 8:
        began = time.perf_counter()
        with reading() as session:
            found = search.page(session, Operation, filters=filters, limit=PAGE, cursor=cursor)
        taken.append((time.perf_counter() - began) * 1000)
    print(
        f"{max(taken):8.1f} ms at most, {statistics.median(taken):6.1f} ms median: "
        f"{wanted} ({len(found.rows)})"
    )


if __name__ == "__main__":
    main()
