"""Time limits: how the soft one, which asks a task to end, stands to the hard one, which kills it."""

from __future__ import annotations

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
