"""What Redis says when it answers and takes no writes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger(__name__)

#: Full, a replica, short of disk, short of replicas, in the middle of a script.
REFUSALS = ("OOM", "READONLY", "MISCONF", "NOREPLICAS", "BUSY")

#: What was refused when it was tried last.
_refused: set[str] = set()


def refuses_writes(error: Exception) -> bool:
    """Whether Redis may take the same command later, once it has room, a disk, or its role back."""
    # redis-py cuts the code off where it knows a class for it.
    if isinstance(error, OutOfMemoryError | ReadOnlyError):
        return True
    return isinstance(error, ResponseError) and str(error).startswith(REFUSALS)


@contextmanager
def tolerated(event: str) -> Iterator[None]:
    """Go on without what a full Redis refuses. Its queues must still be drained, or it stays full.

    `event` is logged when it begins, and not again until it has worked once more.
    """
    try:
        yield
    except ResponseError as error:
        if not refuses_writes(error):
            raise
        if event not in _refused:
            _refused.add(event)
            log.warning(event, error=str(error))
    else:
        _refused.discard(event)
