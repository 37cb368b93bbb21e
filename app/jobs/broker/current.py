"""The broker that the settings name."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from app.jobs.broker.redis import RedisBroker

if TYPE_CHECKING:
    from app.jobs.broker.port import Broker


@lru_cache(maxsize=1)
def broker() -> Broker:
    """The one broker of this process."""
    return RedisBroker()


def close() -> None:
    """Forget the broker and its connections."""
    broker().close()
    broker.cache_clear()
