"""What a worker can be told while it runs."""

from __future__ import annotations

import signal
from enum import Enum


class Order(Enum):
    """An order, and the signal that gives it."""

    #: Another one has taken over: end when the running jobs have, however long they take.
    DRAIN = signal.SIGUSR2
    #: Stop within `GROUNDWORK_SOFT_SHUTDOWN_SECONDS`; told twice, at once.
    STOP = signal.SIGTERM
