"""Plain Celery without a process per job: two solo workers, with 64 jobs each in advance."""

from __future__ import annotations

from typing import ClassVar

from tests.bench.peers.stock import COMMAND, Stock


class StockSolo(Stock):
    """As many workers as the machine has cores."""

    worker: ClassVar[list[str]] = [*COMMAND, "-P", "solo", "--prefetch-multiplier", "64"]
    workers: ClassVar[int] = 2
    waiter: ClassVar[list[str]] = []


peer = StockSolo
