"""The text of the hot statements, one set per database, side by side so that they stay the same."""

from __future__ import annotations

from dataclasses import dataclass

from app.jobs.ledger.new_job import SET_WHEN_ACCEPTED, STORED_AS_GIVEN


@dataclass(frozen=True, kw_only=True)
class Statements:
    """The statements `app.jobs.ledger.store` prepares."""

    #: On PostgreSQL without its source and what to do with known jobs: `inserting` fits both in.
    accept: str
    #: Adds the search keys of jobs that have their rows, which are a JSON object of pairs by job.
    add_keys: str
    claim: str
    finish: str
    #: The same for a single job: no list to unfold and to join takes a third off their cost.
    claim_one: str
    finish_one: str
    extend: str
    checkpoint: str
    #: Of what was claimed ahead of its turn: when it began, and that it did not.
    note_begun: str
    release: str
    #: What became of a claim or a finish whose answer was lost.
    take_over: str
    is_done: str
    #: Both of the first in one statement, around the text of `accept`. SQLite takes them one by one.
    accept_with_keys: str = ""
    #: As `finish_one`, but a fence that is no longer good divides by zero: then nothing may be committed.
    finish_or_fail: str = ""


_GIVEN = ", ".join(STORED_AS_GIVEN)
_COLUMNS = ", ".join((*STORED_AS_GIVEN, *SET_WHEN_ACCEPTED))

# As `states.is_still` has it.
_IS_READY, _IS_RUNNING = "state || '' = 'ready'", "state || '' = 'running'"

_FINISH_ONE = f"""
    UPDATE job SET state = 'done', result = %s::json, finished_at = clock_timestamp(),
        lease_until = NULL, error = NULL
    WHERE id = %s AND fence = %s AND {_IS_RUNNING}
    RETURNING id
"""

# A claim that a crash undoes only means that the job runs again, so it need not wait for the disk; setting
# that for the one transaction inside the statement itself saves a round trip. Finishes always wait.
POSTGRESQL = Statements(
    accept=f"""
        INSERT INTO job ({_COLUMNS})
        SELECT {_GIVEN}, CASE WHEN due > now THEN 'scheduled' ELSE 'ready' END,
            now, due, CASE WHEN due > now OR partition IS NOT NULL THEN NULL ELSE now END,
            coalesce(expires_at, now + make_interval(secs => expires_seconds)), 0, 0
        FROM (
            SELECT *, coalesce(run_at, now + make_interval(secs => delay_seconds)) AS due
            FROM (SELECT clock_timestamp() AS now) AS clock CROSS JOIN {{jobs}}
        ) AS new
        {{conflict}}
        RETURNING id, published_at, expires_at{{more}}
    """,
    add_keys="""
        INSERT INTO job_search_key (name, value, accepted_at, job_id)
        SELECT pair ->> 0, pair ->> 1, accepted_at, id
        FROM jsonb_each(%s::jsonb) AS each (job_id, pairs) JOIN job ON id = job_id
            CROSS JOIN LATERAL jsonb_array_elements(pairs) AS of_job (pair)
        ON CONFLICT DO NOTHING
    """,
    accept_with_keys="""
        WITH accepted AS ({accept}), keyed AS (
            INSERT INTO job_search_key (name, value, accepted_at, job_id)
            SELECT pair ->> 0, pair ->> 1, accepted_at, id
            FROM accepted CROSS JOIN LATERAL jsonb_array_elements(%s::jsonb -> id) AS of_job (pair)
        )
        SELECT id, published_at, expires_at FROM accepted
    """,
    claim=f"""
        UPDATE job SET state = 'running', attempt = job.attempt + 1, fence = fence + 1, worker = %s,
            release = %s, started_at = clock_timestamp(),
            lease_until = clock_timestamp() + make_interval(secs => %s), progress = NULL
        FROM unnest(%s::text[], %s::int[]) AS x (id, attempt)
        WHERE job.id = x.id AND job.attempt = x.attempt AND {_IS_READY}
            AND (published_at IS NOT NULL OR partition IS NULL)
            AND (expires_at IS NULL OR expires_at > clock_timestamp())
            AND (NOT %s::bool OR max_attempts IS NULL OR job.attempt + 1 < max_attempts)
        RETURNING job.id, fence, job.attempt, max_attempts, set_config('synchronous_commit', 'off', true)
    """,
    finish=f"""
        UPDATE job SET state = 'done', result = x.result::json, finished_at = clock_timestamp(),
            lease_until = NULL, error = NULL,
            started_at = coalesce(clock_timestamp() - make_interval(secs => x.seconds), started_at)
        FROM unnest(%s::text[], %s::int[], %s::text[], %s::float8[]) AS x (id, fence, result, seconds)
        WHERE job.id = x.id AND job.fence = x.fence AND {_IS_RUNNING}
        RETURNING job.id
    """,
    claim_one=f"""
        UPDATE job SET state = 'running', attempt = attempt + 1, fence = fence + 1, worker = %s,
            release = %s, started_at = clock_timestamp(),
            lease_until = clock_timestamp() + make_interval(secs => %s), progress = NULL
        WHERE id = %s AND attempt = %s AND {_IS_READY}
            AND (published_at IS NOT NULL OR partition IS NULL)
            AND (expires_at IS NULL OR expires_at > clock_timestamp())
        RETURNING id, fence, attempt, max_attempts, set_config('synchronous_commit', 'off', true)
    """,
    finish_one=_FINISH_ONE,
    finish_or_fail=f"""
        WITH done AS ({_FINISH_ONE})
        SELECT 1 / count(*) FROM done
    """,
    extend=f"""
        UPDATE job SET lease_until = clock_timestamp() + make_interval(secs => %s)
        WHERE id = ANY(%s) AND worker = %s AND {_IS_RUNNING}
        RETURNING id
    """,
    checkpoint=f"""
        UPDATE job SET lease_until = clock_timestamp() + make_interval(secs => %s),
            progress = coalesce(%s::json, progress)
        WHERE id = %s AND fence = %s AND {_IS_RUNNING}
        RETURNING id
    """,
    note_begun=f"""
        UPDATE job SET started_at = clock_timestamp() - make_interval(secs => x.seconds)
        FROM unnest(%s::text[], %s::int[], %s::float8[]) AS x (id, fence, seconds)
        WHERE job.id = x.id AND job.fence = x.fence AND {_IS_RUNNING}
        RETURNING job.id, set_config('synchronous_commit', 'off', true)
    """,
    release=f"""
        UPDATE job SET state = 'ready', attempt = attempt - 1, worker = NULL, started_at = NULL,
            lease_until = NULL
        FROM unnest(%s::text[], %s::int[]) AS x (id, fence)
        WHERE job.id = x.id AND job.fence = x.fence AND {_IS_RUNNING}
        RETURNING job.id
    """,
    take_over=f"""
        UPDATE job SET fence = fence + 1
        WHERE id = %s AND attempt = 1 + %s::int AND {_IS_RUNNING} AND worker = %s
            AND started_at >= clock_timestamp() - make_interval(secs => %s)
        RETURNING id, fence, attempt, max_attempts
    """,
    is_done="SELECT id FROM job WHERE id = %s AND fence = %s AND state = 'done'",
)

_NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
_LATER = "strftime('%Y-%m-%d %H:%M:%f000', 'now', ?)"
_AFTER = "strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('%+.3f seconds', {}))"

_AGO = "strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('-%.3f seconds', {}))"

# In a column of JSON, which SQLite takes for numeric, a text that is a number would become one: 2**70 a
# float, 1.0 an integer. Bytes stay as they are.
SQLITE = Statements(
    accept=f"""
        INSERT INTO job ({_COLUMNS})
        SELECT {_GIVEN}, iif(run_at > now, 'scheduled', 'ready'),
            now, run_at, iif(run_at > now OR partition IS NOT NULL, NULL, now), expires_at, 0, 0
        FROM (
            SELECT {", ".join(f"value ->> '{name}' AS {name}" for name in STORED_AS_GIVEN)}, {_NOW} AS now,
                coalesce(value ->> 'run_at', {_AFTER.format("value ->> 'delay_seconds'")}) AS run_at,
                coalesce(value ->> 'expires_at', iif(value ->> 'expires_seconds' IS NULL, NULL,
                    {_AFTER.format("value ->> 'expires_seconds'")})) AS expires_at
            FROM json_each(?)
        )
        WHERE true
        ON CONFLICT DO NOTHING
        RETURNING id, iif(published_at IS NULL, NULL, (julianday(published_at) - 2440587.5) * 86400.0),
            replace(expires_at, ' ', 'T') || '+00:00'
    """,
    add_keys="""
        INSERT INTO job_search_key (name, value, accepted_at, job_id)
        SELECT pair.value ->> 0, pair.value ->> 1, job.accepted_at, job.id
        FROM json_each(?) AS each JOIN job ON job.id = each.key, json_each(each.value) AS pair
        WHERE true
        ON CONFLICT DO NOTHING
    """,
    claim=f"""
        UPDATE job SET state = 'running', attempt = job.attempt + 1, fence = fence + 1, worker = ?,
            release = ?, started_at = {_NOW}, lease_until = {_LATER}, progress = NULL
        FROM (SELECT value ->> 0 AS id, value ->> 1 AS attempt FROM json_each(?)) AS x
        WHERE job.id = x.id AND job.attempt = x.attempt AND state = 'ready'
            AND (published_at IS NOT NULL OR partition IS NULL)
            AND (expires_at IS NULL OR expires_at > {_NOW})
            AND (NOT ? OR max_attempts IS NULL OR job.attempt + 1 < max_attempts)
        RETURNING id, fence, attempt, max_attempts
    """,
    finish=f"""
        UPDATE job SET state = 'done', result = CAST(x.result AS BLOB), finished_at = {_NOW},
            lease_until = NULL, error = NULL,
            started_at = iif(x.seconds IS NULL, started_at, {_AGO.format("x.seconds")})
        FROM (SELECT value ->> 0 AS id, value ->> 1 AS fence, value ->> 2 AS result, value ->> 3 AS seconds
            FROM json_each(?)) AS x
        WHERE job.id = x.id AND job.fence = x.fence AND state = 'running'
        RETURNING id
    """,
    claim_one=f"""
        UPDATE job SET state = 'running', attempt = attempt + 1, fence = fence + 1, worker = ?,
            release = ?, started_at = {_NOW}, lease_until = {_LATER}, progress = NULL
        WHERE id = ? AND attempt = ? AND state = 'ready'
            AND (published_at IS NOT NULL OR partition IS NULL)
            AND (expires_at IS NULL OR expires_at > {_NOW})
        RETURNING id, fence, attempt, max_attempts
    """,
    finish_one=f"""
        UPDATE job SET state = 'done', result = CAST(? AS BLOB), finished_at = {_NOW},
            lease_until = NULL, error = NULL
        WHERE id = ? AND fence = ? AND state = 'running'
        RETURNING id
    """,
    extend=f"""
        UPDATE job SET lease_until = {_LATER}
        WHERE id IN (SELECT value FROM json_each(?)) AND worker = ? AND state = 'running'
        RETURNING id
    """,
    checkpoint=f"""
        UPDATE job SET lease_until = {_LATER}, progress = coalesce(?, progress)
        WHERE id = ? AND fence = ? AND state = 'running'
        RETURNING id
    """,
    note_begun=f"""
        UPDATE job SET started_at = {_AGO.format("x.seconds")}
        FROM (SELECT value ->> 0 AS id, value ->> 1 AS fence, value ->> 2 AS seconds FROM json_each(?)) AS x
        WHERE job.id = x.id AND job.fence = x.fence AND state = 'running'
        RETURNING id
    """,
    release="""
        UPDATE job SET state = 'ready', attempt = attempt - 1, worker = NULL, started_at = NULL,
            lease_until = NULL
        FROM (SELECT value ->> 0 AS id, value ->> 1 AS fence FROM json_each(?)) AS x
        WHERE job.id = x.id AND job.fence = x.fence AND state = 'running'
        RETURNING id
    """,
    take_over=f"""
        UPDATE job SET fence = fence + 1
        WHERE id = ? AND attempt = 1 + ? AND state = 'running' AND worker = ?
            AND started_at >= {_AGO.format("?")}
        RETURNING id, fence, attempt, max_attempts
    """,
    is_done="SELECT id FROM job WHERE id = ? AND fence = ? AND state = 'done'",
)
