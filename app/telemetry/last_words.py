"""Sends what is left when a process ends, and does not let it wait for somebody who does not answer."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING

from celery import signals

if TYPE_CHECKING:
    from collections.abc import Callable

#: A process ends no later for it.
SECONDS = 1.0

_senders: list[Callable[[], None]] = []


def at_end(send: Callable[[], None]) -> None:
    """Call `send` once this process, or one that it forks, ends."""
    if send not in _senders:
        _senders.append(send)


@signals.worker_process_shutdown.connect
@atexit.register
def _end(**_: object) -> None:
    """A process of a worker's pool ends without what is registered for its exit."""
    threads = [threading.Thread(target=send, daemon=True) for send in _senders]
    _senders.clear()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
