"""Where workers put what came from a queue and is not a message, for an operator to look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import redis
import structlog

from app.settings.config import settings

log = structlog.get_logger(__name__)

#: The newest are kept, and of each the beginning: garbage may come in any amount and size.
KEPT = 1000
HEAD_BYTES = 2048


#: Called with whatever is quarantined and what is wrong with it; the answer is the job it belongs to.
Owner = Callable[[bytes, str], str | None]
_OWNERS: list[Owner] = []


class Held(NamedTuple):
    """How much was quarantined: what is kept of it, and all since Redis was emptied last."""

    kept: int
    total: int


def add(client: redis.Redis, raw: bytes, *, queue: str, problem: str) -> None:
    """Keep the beginning of `raw`, count it, and say so in the log."""
    job = next((job for owner in _OWNERS if (job := owner(raw, problem))), None)
    log.warning("message_put_aside", queue=queue, size=len(raw), problem=problem, job_id=job)
    entry = {
        "job": job,
        "queue": queue,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "problem": problem,
        "size": len(raw),
        "head": raw[:HEAD_BYTES].decode(errors="backslashreplace"),
    }
    pipeline = client.pipeline()
    pipeline.lpush(_kept(), json.dumps(entry))
    pipeline.ltrim(_kept(), 0, KEPT - 1)
    pipeline.incr(_total())
    try:
        pipeline.execute()
    except redis.ResponseError as error:
        # A full Redis takes nothing more; the log line above has to do.
        log.warning("message_not_kept", queue=queue, error=str(error))


def tell(owner: Owner) -> None:
    """Have `owner` told of what is quarantined, so that it can see to what is its own."""
    _OWNERS.append(owner)


def held(client: redis.Redis) -> Held:
    """How much was quarantined."""
    pipeline = client.pipeline(transaction=False)
    pipeline.llen(_kept())
    pipeline.get(_total())
    kept, total = pipeline.execute()
    return Held(kept=kept, total=int(total or 0))


def entries(client: redis.Redis, *, limit: int) -> list[dict[str, Any]]:
    """What is in quarantine, the newest first."""
    found: Any = client.lrange(_kept(), 0, limit - 1)
    return [json.loads(entry) for entry in found]


def clear(client: redis.Redis) -> int:
    """Forget what is kept (the count goes on); how many that were."""
    pipeline = client.pipeline()
    pipeline.llen(_kept())
    pipeline.delete(_kept())
    return int(pipeline.execute()[0])


def _kept() -> str:
    return f"{settings().redis_prefix}quarantine"


def _total() -> str:
    return f"{settings().redis_prefix}quarantined"
