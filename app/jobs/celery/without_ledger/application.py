"""Celery as Flower has it: to watch takes the broker alone, and what it is asked to do loads the ledger."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.app.control import Control

from app.jobs.celery.without_ledger.configuration import configuration
from app.settings.config import settings

if TYPE_CHECKING:
    from celery.app.registry import TaskRegistry
    from celery.result import AsyncResult


class WatchingCelery(Celery):
    """Watches workers; sends tasks and cancels jobs by the application that has the ledger."""

    control_cls = f"{__name__}:WatchingControl"

    @cached_property
    def tasks(self) -> TaskRegistry:
        """All tasks: what is sent by a name is looked up here."""
        whole = _whole()
        whole.loader.import_default_modules()
        return whole.tasks

    def send_task(self, *args: Any, **options: Any) -> AsyncResult[Any]:
        """Accept the job, or send a non-durable task."""
        return _whole().send_task(*args, **options)


class WatchingControl(Control):
    """Celery's remote control, where `revoke` cancels in the ledger what the ledger knows."""

    def revoke(self, *args: Any, **options: Any) -> Any:
        """Cancel jobs."""
        return _whole().control.revoke(*args, **options)


def _whole() -> Celery:
    # Not above: it is half of the memory that Flower would have, and few use it for more than looking.
    from app.jobs.celery.application import celery_app

    return celery_app


def make_watching_celery() -> WatchingCelery:
    """An application for the settings of this process."""
    made = WatchingCelery("groundwork")
    made.conf.update(configuration(settings()))
    return made
