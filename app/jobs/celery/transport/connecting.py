"""Whether the main thread of this process is connecting to the broker, as the transport tells it."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Longer than any pause between two attempts, of which kombu's longest is 30 s.
PAUSE_SECONDS = 35.0


class MainThread:
    """What is known of it."""

    is_attempting = False
    #: When its last attempt failed (monotonic time); one that succeeds ends the pause.
    failed_at = -math.inf


@contextmanager
def attempt() -> Iterator[None]:
    """The block is an attempt to connect. Those of other threads, such as a pool's, do not count."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    MainThread.is_attempting = True
    try:
        yield
        MainThread.failed_at = -math.inf
    except BaseException:
        MainThread.failed_at = time.monotonic()
        raise
    finally:
        MainThread.is_attempting = False


def is_connecting() -> bool:
    """Whether it is in an attempt, or in the pause after one that failed."""
    return MainThread.is_attempting or time.monotonic() - MainThread.failed_at < PAUSE_SECONDS
