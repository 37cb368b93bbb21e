"""Which queues take what is sent to an exchange, noted in Redis without scripts.

kombu notes it with Lua, and whoever may load one script may load one that never ends.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from kombu.transport import redis as kombu_redis
from kombu.utils.encoding import bytes_to_str

from app.jobs.celery import compat
from app.jobs.celery.transport.redis_errors import tolerated

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What the exchanges of answers to remote control begin with.
REPLIES = "reply."


class Bindings(kombu_redis.Channel):
    """The part of a channel that keeps the tables of bindings."""

    keyprefix_queue: str
    keyprefix_binding_deadlines: str
    keyprefix_binding_permanent: str

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        # Answers alone find their way by a table, and whoever waits for one must know that none can come.
        needed = exchange.startswith(REPLIES)
        with nullcontext() if needed else tolerated("binding_not_noted"):
            compat.bind_queue(self, exchange, routing_key, pattern, queue)

    def _refresh_bindings(self, queues: Sequence[str]) -> None:
        with tolerated("bindings_not_refreshed"):
            compat.refresh_bindings(self, queues)

    def _refresh_binding(self, *, keys: Sequence[str], args: Sequence[Any], client: Any) -> None:
        """In the place of kombu's script, and called as that is: add to a table, and extend its deadline."""
        (table, _), (member, exchange, lifetime_ms) = keys, args
        deadline = self._now_ms() + lifetime_ms
        client.sadd(table, member)
        client.zadd(self.keyprefix_binding_deadlines, {exchange: deadline}, gt=True)

    def sweep_bindings(self, limit: int = 100) -> int:
        """Delete the tables of exchanges whose queues nobody refreshed in time; how many were overdue."""
        kombu: Any = self
        found: list[str] = []
        sweep = partial(self._sweep, found=found, now_ms=self._now_ms(), limit=limit)
        with tolerated("bindings_not_swept"), kombu.conn_or_acquire() as client:
            client.transaction(sweep, self.keyprefix_binding_deadlines)
        return len(found)

    def _sweep(self, pipe: Any, *, found: list[str], now_ms: int, limit: int) -> None:
        overdue = pipe.zrange(self.keyprefix_binding_deadlines, 0, now_ms, byscore=True, offset=0, num=limit)
        found[:] = map(bytes_to_str, overdue)
        permanent = {exchange: self.keyprefix_binding_permanent % exchange for exchange in found}
        if permanent:
            pipe.watch(*permanent.values())
        abandoned = [exchange for exchange, key in permanent.items() if not pipe.smembers(key)]
        pipe.multi()
        for exchange in abandoned:
            pipe.delete(self.keyprefix_queue % exchange)
        for exchange in found:
            pipe.zrem(self.keyprefix_binding_deadlines, exchange)

    def _now_ms(self) -> int:
        kombu: Any = self
        with kombu.conn_or_acquire() as client:
            seconds, microseconds = client.time()
        return int(seconds * 1000 + microseconds // 1000)
