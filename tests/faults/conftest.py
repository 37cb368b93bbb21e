"""Servers that a test may destroy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers import RedisServer, folder_in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fleet import Fleet


@pytest.fixture
def own_redis(fleet: Fleet, configure: Callable[..., None]) -> Iterator[RedisServer]:
    """A Redis that the test may destroy."""
    assert fleet
    server = RedisServer(folder=folder_in_memory("groundwork-redis-"))
    server.start()
    configure(redis_url=server.url)
    yield server
    server.close()
