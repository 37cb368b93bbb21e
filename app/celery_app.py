"""What `celery -A app.celery_app` runs: the application, its commands, and the lifecycle of its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.health.monitor.heartbeat import add_heartbeat
from app.health.monitor.thread import add_monitor
from app.jobs.celery import control  # noqa: F401 (workers learn its commands)
from app.jobs.celery.application import celery_app
from app.outbound.mirror.writer import add_mirror
from app.telemetry.set_up import add_telemetry
from app.worker.lifecycle import add_lifecycle

if TYPE_CHECKING:
    from celery.result import AsyncResult

__all__ = ["celery_app", "send_task"]

add_lifecycle(celery_app)
add_monitor()
add_heartbeat()
add_mirror()
add_telemetry()


def send_task(name: str, /, *args: Any, **kwargs: Any) -> AsyncResult[Any]:
    """Send the task called `name` with these arguments, as `.delay` does for a task at hand."""
    return celery_app.send_task(name, args, kwargs)
