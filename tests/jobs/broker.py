"""What the tests see in the broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.jobs.broker.current import broker
from app.jobs.broker.lists import all_lists

if TYPE_CHECKING:
    from tests.servers import RedisServer


def messages(server: RedisServer) -> dict[str, list[dict[str, Any]]]:
    """All waiting messages by the name of their list, the oldest first; `server` is where, if it is Redis."""
    found = {f"groundwork:{name}": [json.loads(raw) for raw in _raw(server, name)] for name in all_lists()}
    return {name: held for name, held in found.items() if held}


def _raw(server: RedisServer, name: str) -> list[bytes]:
    if broker().kind == "redis":
        client: Any = server.client()
        return list(client.lrange(f"groundwork:{name}", 0, -1)[::-1])
    from tests.rabbit_server import waiting_in  # (with Redis, nothing of it is needed)

    return waiting_in(name)


def waiting(server: RedisServer) -> list[str]:
    """The ids of the jobs that have a message, the oldest of each list first."""
    return [found["headers"]["id"] for held in messages(server).values() for found in held]
