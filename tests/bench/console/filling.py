"""Adds to a filled ledger what the console's pages show beside jobs."""

from __future__ import annotations

import psycopg

from app.jobs.declaration import search
from app.jobs.statistics.buckets import PLACES
from app.jobs.transitions import recover
from tests.bench import audit
from tests.bench.scale.filling import fill as fill_ledger
from tests.console.journeys import world

READY, DEAD = 20_000, 5_000
#: Of so many jobs, one is beside an operation in the log, and one has made a delivery.
OPERATION_EACH, DELIVERY_EACH = 10, 20
KEY = "order_id:7"
#: Beside those that died by themselves.
_DEAD = f"""
UPDATE job SET state = 'dead', result = NULL, error = 'ProviderUnavailable: the bank answered nothing'
WHERE id IN (
    SELECT id FROM job WHERE state = 'done' ORDER BY right(id, 8)
    LIMIT greatest(0, {DEAD} - (SELECT count(*) FROM job WHERE state = 'dead')))
"""
_KEYS = """
INSERT INTO job_search_key (name, value, accepted_at, job_id)
SELECT %(name)s, CASE WHEN n %% 50 = 0 THEN %(value)s ELSE md5(n::text) END, accepted_at, id
FROM (SELECT id, accepted_at, row_number() OVER () AS n FROM job WHERE key IS NOT NULL) AS numbered
"""
_DELIVERIES = f"""
INSERT INTO delivery (key, channel, recipient, subject, content, state, error, job_id, calls, created_at,
    changed_at)
SELECT 'letter:' || n, 'email', 'ann' || n % 1000 || '@example.org', 'Welcome', '{{"to": []}}',
    CASE WHEN n % 1000 = 0 THEN 'uncertain' WHEN n % 100 = 0 THEN 'failed' ELSE 'sent' END,
    CASE WHEN n % 100 = 0 THEN 'the provider did not answer' END, id, 1, accepted_at, accepted_at
FROM (SELECT id, accepted_at, row_number() OVER () AS n FROM job) AS numbered WHERE n % {DELIVERY_EACH} = 0
"""
#: All took as long as each other: which bucket a job is counted in changes nothing for a page.
_TIMES = (
    f"to_json(array_fill(0::bigint, ARRAY[{PLACES['1']}]) || ended "
    f"|| array_fill(0::bigint, ARRAY[{len(PLACES) - PLACES['1'] - 1}]))"
)
#: Of each task and queue, of the queue, and of all, as beat keeps them.
_STATISTICS = """
INSERT INTO {table} (task, queue, begins_at, jobs, attempts, run, wait, run_seconds, wait_seconds)
SELECT coalesce(task, ''), coalesce(queue, ''), span,
    json_build_object('done', done, 'dead', dead, 'cancelled', ended - done - dead),
    json_build_object('done', done, 'failed', dead, 'retried', retried), {times}, {times}, ended, ended
FROM (
    SELECT task, queue, date_trunc('{span}', finished_at) AS span, count(*) AS ended,
        count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'dead') AS dead,
        count(*) FILTER (WHERE fence > 1) AS retried
    FROM job WHERE finished_at > now() - interval '{kept}'
    GROUP BY GROUPING SETS ((task, queue, 3), (queue, 3), (3))) AS sums
"""
_TOTALS = """
INSERT INTO job_stat (task, queue, kind, bucket, count, seconds)
SELECT task, queue, kind, CASE kind WHEN 'finished' THEN state ELSE bucket END, sum(1), 1
FROM job, (VALUES ('finished', ''), ('run', '1'), ('wait', '1')) AS kinds (kind, bucket)
WHERE finished_at IS NOT NULL GROUP BY 1, 2, 3, 4
"""


def fill(url: str, *, jobs: int) -> None:
    """Make so many finished jobs and all else, in a migrated database without any."""
    fill_ledger(url, finished=jobs, ready=READY)
    asked = search.read(KEY)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_DEAD)
        connection.execute(_KEYS, {"name": asked.name, "value": asked.hashes[0]})
        statements = [
            _DELIVERIES,
            _statistics("stat_minute", span="minute", kept="47 hours"),
            _statistics("stat_hour", span="hour", kept="100 days"),
            _TOTALS,
            audit.filling(jobs // OPERATION_EACH),
        ]
        for statement in statements:
            connection.execute(statement.encode())
        world.fill()
        # What waits is in the broker, as far as its queues have room: it is not overdue.
        recover.publish_waiting(recover.broker_lists() or [])
        # As autovacuum leaves it.
        connection.execute("VACUUM ANALYZE")


def _statistics(table: str, *, span: str, kept: str) -> str:
    return _STATISTICS.format(table=table, span=span, kept=kept, times=_TIMES)
