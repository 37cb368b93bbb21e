"""Waits for the database where work would be lost or repeated for nothing if it were not waited for."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog

from app.db import outages
from app.jobs.ledger import store

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

log = structlog.get_logger(__name__)

#: A worker that cannot reach the database asks again after so long; it holds no other work meanwhile.
PAUSE = timedelta(seconds=1)


#: What a limit of the running body raises here, wherever it happens to wait.
_BODY_LIMITS: list[type[BaseException]] = []


def add_interruption(limit: type[BaseException]) -> None:
    """Know `limit` for what interrupts a body that takes too long."""
    _BODY_LIMITS.append(limit)


def is_interruption(error: BaseException) -> bool:
    """Whether a limit of the running body was raised, which is the body's to handle."""
    return isinstance(error, tuple(_BODY_LIMITS))


def with_retry(statement: Callable[[], T], *, again: Callable[[], T] | None = None) -> T:
    """What `statement` gives once the database is there. It must be right to run it twice.

    `again` is run in its place after a failure: its answer may have been lost after it had been obeyed.
    """
    since: float | None = None
    while True:
        try:
            answer = statement() if since is None else (again or statement)()
        except tuple(_BODY_LIMITS):
            # The limit is the body's. What the database keeps waiting is not to be blamed for it.
            if since is None:
                raise
            continue
        except outages.ERRORS as error:
            if not outages.is_transient(error):
                raise
            if since is None:
                log.warning("database_away", error=str(error).strip(), retry_seconds=PAUSE.seconds)
            since = since or time.monotonic()
            _pause()
            continue
        if since is not None:
            log.info("database_back", seconds=round(time.monotonic() - since, 1))
        return answer


def _pause() -> None:
    store.close()
    try:
        time.sleep(PAUSE.total_seconds())
    except tuple(_BODY_LIMITS):
        return
