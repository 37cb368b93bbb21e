"""Celery's pool of processes, which notices at once that one of them has ended.

Celery reads the end of a pipe that its child holds. The kernel closes that a moment before the child can be
waited for, so that Celery looks, finds nobody dead, and looks again after five seconds.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool

from app.jobs.celery import compat


class WatchedPool(AsynPool):
    """Waits for the ends of its processes themselves, where the kernel knows of such."""

    def _track_child_process(self, proc: Any, hub: Any) -> None:
        if not compat.is_watched(proc):
            with suppress(OSError):
                compat.watch(proc, by=os.pidfd_open(proc.pid))
        compat.wait_for_end(self, proc, hub)


class Prefork(TaskPool):
    """What workers run unless they are told to use another kind of pool."""

    Pool = WatchedPool
