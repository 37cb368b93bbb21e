"""Sessions that nobody uses at the moment, for the threads of a process."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakSet

from app.jobs.broker.rabbitmq.session import FAILURES, Session

if TYPE_CHECKING:
    from collections.abc import Callable

AnySession = TypeVar("AnySession", bound=Session)
Answer = TypeVar("Answer")


class Pool(Generic[AnySession]):
    """As many sessions as there were threads that used one at once."""

    def __init__(self, make: Callable[[], AnySession]) -> None:
        self._make = make
        self._idle: list[AnySession] = []
        _POOLS.add(self)

    def run(self, use: Callable[[AnySession], Answer]) -> Answer:
        """Use a session. One whose connection broke while nobody used it is made anew, once."""
        while self._idle:
            with suppress(IndexError):  # another thread took the last
                session = self._idle.pop()
                try:
                    return self._used(session, use)
                except TimeoutError:
                    raise
                except FAILURES:
                    # What is left is as old, and the answer is to be that of a new one.
                    self.close()
        return self._used(self._make(), use)

    def _used(self, session: AnySession, use: Callable[[AnySession], Answer]) -> Answer:
        try:
            answer = use(session)
        except BaseException:
            session.drop()
            raise
        self._idle.append(session)
        return answer

    def close(self) -> None:
        """Forget all sessions."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().drop()

    def leave_to_parent(self) -> None:
        """In a forked child: close descriptors, and leave alone the connections, which are the parent's."""
        for session in self._idle:
            session.detach()
        self._idle.clear()


_POOLS: WeakSet[Pool[Any]] = WeakSet()


def _leave_to_parent() -> None:
    for pool in list(_POOLS):
        pool.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)
