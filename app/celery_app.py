"""What `celery -A app.celery_app` runs: the application, its commands, and the lifecycle of its workers."""

from __future__ import annotations

from app.health.monitor.thread import add_monitor
from app.jobs.celery import control  # noqa: F401 (workers learn its commands)
from app.jobs.celery.application import celery_app
from app.outbound.mirror.writer import add_mirror
from app.worker.lifecycle import add_lifecycle

__all__ = ["celery_app"]

add_lifecycle(celery_app)
add_monitor()
add_mirror()
