"""Purging a queue: what is kept of it elsewhere goes as well, and what had a message is counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Each removes what is kept of a queue elsewhere; it tells how much, and how much of it had a message.
PURGES: list[Callable[[str], tuple[int, int]]] = []


def purge(queue: str, *, remove_messages: Callable[[], int]) -> int:
    """Purge a queue, for `celery purge` and `app.control.purge()`; how much there was."""
    gone = [purge(queue) for purge in PURGES]
    messages = remove_messages() - sum(published for _, published in gone)
    return sum(jobs for jobs, _ in gone) + max(messages, 0)
