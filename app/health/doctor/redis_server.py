"""Checks of Redis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.health.doctor.finding import Finding
from app.logs.failures import first_line, masked_redis_url
from app.settings.config import settings

ABOUT = "broker"
TIMEOUT_SECONDS = 5.0
OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
#: At 85 % of its memory a full queue is minutes away, and a full Redis refuses even acknowledgements.
FULL, FILLING = 0.85, 0.70
GIB = 1024**3


def redis_answers() -> Finding:
    """Whether Redis is there and lets us in."""
    url = masked_redis_url()
    try:
        version = _info("server")["redis_version"]
    except (redis.AuthenticationError, redis.ResponseError):
        # It answers; what is wrong is said as in every other place.
        raise
    except (redis.RedisError, ValueError) as error:
        return Finding.problem(
            ABOUT,
            f"Redis {url} does not answer: {first_line(error)}.",
            fix="Start it (systemctl start redis-server@groundwork), or correct GROUNDWORK_REDIS_URL.",
        )
    return Finding.ok(ABOUT, f"Redis {version} answers at {url}.")


def writes_are_kept() -> Finding:
    """Whether what Redis holds survives its restart."""
    persistence = _info("persistence")
    if not persistence["aof_enabled"]:
        return Finding.problem(
            ABOUT,
            "Redis keeps no append-only file: a restart forgets every message it holds.",
            fix="Set appendonly yes in redis.conf and run: redis-cli CONFIG SET appendonly yes",
        )
    if persistence["aof_last_write_status"] != "ok":
        return Finding.problem(
            ABOUT,
            "Redis could not write its append-only file, and refuses writes.",
            fix="Make room on the disk of its data folder; it recovers by itself.",
        )
    return Finding.ok(ABOUT, "Redis keeps its append-only file.")


def nothing_is_evicted() -> Finding:
    """Whether Redis, when full, refuses writes instead of dropping queues."""
    policy = _info("memory")["maxmemory_policy"]
    if policy != "noeviction":
        return Finding.problem(
            ABOUT,
            f"Redis drops keys when it is full (maxmemory-policy {policy}), and a queue is a key.",
            fix="Set maxmemory-policy noeviction in redis.conf and with redis-cli CONFIG SET.",
        )
    return Finding.ok(ABOUT, "Redis drops nothing when it is full (maxmemory-policy noeviction).")


def memory_has_room() -> Finding:
    """Whether Redis is far from its limit."""
    memory = _info("memory")
    used, limit = memory["used_memory"], memory["maxmemory"] or memory["total_system_memory"]
    share = used / limit
    said = f"Redis uses {share:.0%} of its memory ({used / GIB:.1f} of {limit / GIB:.1f} GiB)"
    fix = "Raise maxmemory, or lower GROUNDWORK_QUEUE_DEPTH_LIMIT so that more waits in the ledger."
    if share >= FULL:
        return Finding.problem(ABOUT, f"{said}; when it is full, it refuses all writes.", fix=fix)
    if share >= FILLING:
        return Finding.warning(ABOUT, f"{said}.", fix=fix)
    return Finding.ok(ABOUT, f"{said}.")


def memory_may_be_overcommitted() -> Finding:
    """Whether Redis can fork to rewrite its file; only this host's setting can be seen."""
    host = settings().redis.host
    if host not in (None, "localhost", "127.0.0.1", "::1") or not OVERCOMMIT.exists():
        return Finding.ok(ABOUT, f"vm.overcommit_memory of {host} cannot be read from here.")
    if OVERCOMMIT.read_text().strip() != "1":
        return Finding.warning(
            ABOUT,
            "vm.overcommit_memory is not 1: Redis may fail to rewrite its file when memory is short.",
            fix="Run: sysctl -w vm.overcommit_memory=1 and keep it in /etc/sysctl.d/groundwork.conf",
        )
    return Finding.ok(ABOUT, "vm.overcommit_memory is 1.")


def _info(section: str) -> dict[str, Any]:
    with _client() as client:
        answer: dict[str, Any] = client.info(section)
    return answer


def _client() -> redis.Redis:
    # Without retries: a person waits for the answer, and "not now" is one.
    return redis.Redis.from_url(
        settings().redis.for_redis_py,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
