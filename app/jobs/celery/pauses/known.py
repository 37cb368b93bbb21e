"""Which queues this process takes nothing from, as it last heard; the transports look at each request.

The queues stay consumed: a pause is a fact of the ledger and not of a connection. So it outlives one that
breaks, and those that are not paused keep their order.
"""

from __future__ import annotations

_left_out: frozenset[str] = frozenset()


def left_out() -> frozenset[str]:
    """The names of those queues; the same object until there are others."""
    return _left_out


def leave_out(queues: frozenset[str]) -> bool:
    """Take nothing from these, and from no others; whether that is new. From any thread."""
    global _left_out
    if queues == _left_out:
        return False
    _left_out = queues
    return True
