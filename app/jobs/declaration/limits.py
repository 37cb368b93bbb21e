"""Limits of a job: how its two time limits stand to each other, and how often it may be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of the hard limit, for a task that names no soft one below it.
SOFT_SHARE = 0.9


def soft_limit(*, hard: float | None, soft: float | None) -> float | None:
    """The soft limit in seconds that goes with a hard one; never at or beyond it.

    Celery looks at the hard limit only after the soft one has passed, and at the same moment both would
    end the attempt at once: the task by its exception, the worker by killing it.
    """
    if not hard or (soft and soft < hard):
        return soft
    return hard * SOFT_SHARE


def attempts_allowed(
    *, max_retries: int | None, retry_kwargs: Mapping[str, Any] | None, declared: bool = True
) -> int | None:
    """How many attempts Celery's options allow; None means without end.

    `retry_kwargs` belong to a task that Celery retries by itself (`autoretry_for`) and go before a
    `max_retries` that is not `declared` beside them; of two declared ones the ledger holds the higher.
    """
    automatic = (retry_kwargs or {}).get("max_retries")
    if automatic is None:
        return None if max_retries is None else max_retries + 1
    if not declared:
        return int(automatic) + 1
    return None if max_retries is None else max(max_retries, int(automatic)) + 1
