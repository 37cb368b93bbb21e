"""What the tests see in Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.topology import Queue

if TYPE_CHECKING:
    from tests.servers import RedisServer


def messages(server: RedisServer) -> dict[str, list[dict[str, Any]]]:
    """All waiting messages by the name of their list, the oldest first."""
    client: Any = server.client()
    names = [name for queue in Queue for name in client.keys(f"groundwork:{queue.value}*")]
    return {name.decode(): [json.loads(raw) for raw in client.lrange(name, 0, -1)][::-1] for name in names}


def waiting(server: RedisServer) -> list[str]:
    """The ids of the jobs that have a message, the oldest of each list first."""
    return [found["headers"]["id"] for held in messages(server).values() for found in held]
