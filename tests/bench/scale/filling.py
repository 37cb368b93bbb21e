"""Fills a ledger with jobs as months of work leave them: tasks, queues, states, attempts and times."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psycopg

from app.jobs.transitions.rollup import WATERMARK

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = 90
#: As the role sets PostgreSQL up on a host of 8 GiB; the last two let the filling write no log.
SERVER = (
    "shared_buffers=1200MB",
    "effective_cache_size=4GB",
    "work_mem=8MB",
    "maintenance_work_mem=400MB",
    "random_page_cost=1.1",
    "max_wal_size=4GB",
    "wal_level=minimal",
    "max_wal_senders=0",
)
#: What is left in all states that are neither finished nor ready.
RUNNING, SCHEDULED = 200, 20_000
#: A row with its indexes, and what making those takes beside it.
BYTES_EACH = 2_000


class Share(NamedTuple):
    """A task, and how many of a hundred thousand jobs are its own."""

    task: str
    queue: str
    priority: int
    share: int


SHARES = (
    Share("audit.log_operation_task", "audit", 6, 30_000),
    Share("banking.sync_item", "banking", 6, 25_000),
    Share("pricing.compute_single_batch_discount", "discounts", 3, 20_000),
    Share("accounts.send_welcome_email", "emails", 6, 14_000),
    Share("integrations.sync_calendar", "integrations", 6, 10_000),
    Share("health.health_check", "maintenance", 9, 900),
    Share("invoices.generate_pending_invoices", "invoices", 6, 99),
    Share("marketplace.generate_monthly_report", "reports", 6, 1),
)
#: Few jobs are its own, and none is ready.
RARE = SHARES[-1]


def _chosen(column: str) -> str:
    """The column's value for the row `draw`, a number below a hundred thousand."""
    bound, cases = 0, []
    for share in SHARES:
        bound += share.share
        cases.append(f"WHEN draw < {bound} THEN '{getattr(share, column)}'")
    return f"CASE {' '.join(cases)} END"


#: Ids as this release makes them: they grow with time.
_ROWS = f"""
    SELECT n, draw, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
            || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid::text AS id,
        {_chosen("task")} AS task, {_chosen("queue")} AS queue, {_chosen("priority")}::int AS priority,
        '[]'::json AS args, json_build_object('item_id', n % 100000) AS kwargs,
        CASE WHEN n % 2 = 0 THEN json_build_object('request_id', hash, 'token', 'shop') END AS context,
        CASE WHEN n % 10 = 0 THEN 'shop:' || hash END AS key,
        CASE WHEN n % 10 = 0 THEN hash || hash END AS digest
    FROM (SELECT n, ({{draw}}) AS draw, {{at}} AS at, md5('{{seed}}' || n) AS hash
          FROM generate_series(1, {{count}}) AS n) AS numbers
"""
_GIVEN = "id, task, queue, priority, args, kwargs, context, key, digest"
_FINISHED = f"""
INSERT INTO job ({_GIVEN}, accepted_at, run_at, published_at, max_attempts, state, attempt, fence, worker,
    release, started_at, finished_at, result, error)
SELECT {_GIVEN}, at, at, at, 3,
    CASE WHEN n % 1000 < 3 THEN 'dead' WHEN n % 1000 < 13 THEN 'cancelled' ELSE 'done' END,
    1 + (n % 33 = 0)::int, 1 + (n % 33 = 0)::int, 'standard@host-' || n % 4 || '#ab12cd34',
    '20261101T0000Z', at + (n % 7) * interval '0.3 s', at + (n % 7) * interval '0.3 s' + interval '1 s',
    CASE WHEN n % 2 = 0 AND n % 1000 >= 13 THEN json_build_object('status', 'active', 'pages', n % 9) END,
    CASE WHEN n % 1000 < 3 THEN 'ProviderUnavailable: the bank answered ' || repeat('nothing, ', 20) END
FROM ({_ROWS}) AS rows
"""
_READY = f"""
INSERT INTO job ({_GIVEN}, accepted_at, run_at, expires_at, max_attempts, state, attempt, fence)
SELECT {_GIVEN}, at, at, CASE WHEN n % 20 = 0 THEN now() + interval '1 day' END, 3, 'ready', 0, 0
FROM ({_ROWS}) AS rows
"""
_RUNNING = f"""
INSERT INTO job ({_GIVEN}, accepted_at, run_at, published_at, max_attempts, state, attempt, fence, worker,
    release, started_at, lease_until)
SELECT {_GIVEN}, at, at, at, 3, 'running', 1, 1, 'standard@host-1#ab12cd34', '20261101T0000Z', at,
    now() + interval '1 day'
FROM ({_ROWS}) AS rows
"""
_SCHEDULED = f"""
INSERT INTO job ({_GIVEN}, accepted_at, run_at, max_attempts, state, attempt, fence)
SELECT {_GIVEN}, at, now() + interval '1 hour' + n * interval '30 s', 3, 'scheduled', 0, 0
FROM ({_ROWS}) AS rows
"""
_ATTEMPTS = """
INSERT INTO attempt (job_id, fence, worker, release, started_at, finished_at, outcome, error, traceback)
SELECT id, 1, worker, release, started_at, finished_at,
    CASE WHEN state = 'dead' THEN 'failed' ELSE 'retried' END,
    'ProviderUnavailable: the bank answered nothing', repeat('  File "service.py", line 1, in ask ', 30)
FROM job WHERE state = 'dead' OR fence = 2
"""
#: Jobs that ended before are in the counters, as beat keeps them.
_COUNTED = f"""
INSERT INTO job_stat (task, queue, kind, bucket, count, seconds)
SELECT '', '', '{WATERMARK}', '', (extract(epoch FROM now() - interval '10 s') * 1000000)::bigint, 0
"""
_SPREAD = "(n * 7919::bigint) % 100000"
#: No report among them.
_NOT_RARE = f"(n * 7919::bigint) % {sum(share.share for share in SHARES) - RARE.share}"


def _statements(*, finished: int, ready: int) -> Iterator[str]:
    past = f"now() - interval '{DAYS} days' + (n::float8 / {finished}) * interval '{DAYS} days'"
    yield _FINISHED.format(draw=_SPREAD, at=f"{past} - interval '6 hours'", seed="f", count=finished)
    recent = f"now() - interval '6 hours' + (n::float8 / {ready}) * interval '6 hours'"
    yield _READY.format(draw=_NOT_RARE, at=f"{recent} - interval '1 minute'", seed="r", count=ready)
    just_now = "now() - interval '30 s' + n * interval '1 ms'"
    yield _RUNNING.format(draw=_NOT_RARE, at=just_now, seed="u", count=RUNNING)
    yield _SCHEDULED.format(draw=_NOT_RARE, at=just_now, seed="s", count=SCHEDULED)
    yield _ATTEMPTS
    yield "DELETE FROM job_stat"
    yield _COUNTED


def fill(url: str, *, finished: int, ready: int) -> None:
    """Make the rows and then their indexes, in one transaction: a table emptied in it is not logged."""
    with psycopg.connect(url) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("TRUNCATE job, attempt, job_search_key, job_log")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('job', 'attempt') "
            "AND indexname NOT LIKE 'pk%'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for statement in _statements(finished=finished, ready=ready):
            connection.execute(statement)
        for _, definition in indexes:
            connection.execute(definition)
        connection.commit()
        # As autovacuum leaves it.
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE job, attempt")
