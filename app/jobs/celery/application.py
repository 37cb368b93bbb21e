"""The Celery application, made from the topology and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Celery, signals
from celery.exceptions import SoftTimeLimitExceeded

from app.jobs.celery import chords, compat, non_durable, plain_tasks, send
from app.jobs.celery.without_ledger.configuration import configuration
from app.jobs.declaration import aliases, registry
from app.jobs.ledger import retrying
from app.logs import configure  # noqa: F401 (the signal handler that sets up logging)
from app.packages import modules
from app.settings.config import Settings, settings

if TYPE_CHECKING:
    from celery.result import AsyncResult


class LedgerCelery(Celery):
    """Celery whose durable tasks are accepted in the ledger before anything is sent."""

    control_cls = "app.jobs.celery.control:LedgerControl"

    def send_task(  # type: ignore[override]  # the stub lists the options one by one
        self, name: str, args: Any = None, kwargs: Any = None, **options: Any
    ) -> AsyncResult[Any]:
        """Accept the job (or send a non-durable task) and return Celery's own result for it."""
        spec = aliases.spec_of(name)
        name = spec.name
        if not spec.durable:
            args, kwargs, options = send.non_durable_message(name, args, kwargs, options)
            with non_durable.bounded(self, task=name) as bounds:
                return super().send_task(name, args, kwargs, **(options | bounds))
        parent = self.current_worker_task
        if parent:
            options["root_id"] = options.get("root_id") or parent.request.root_id or parent.request.id
            options["parent_id"] = options.get("parent_id") or parent.request.id
        job_id = send.send(name, args, kwargs, options)
        result = (options.get("result_cls") or self.AsyncResult)(job_id)
        result.ignored = options.get("ignore_result") or False
        if parent and options.get("add_to_parent", True):
            parent.add_trail(result)
        return result


def _route(name: str, *_: object, **__: object) -> dict[str, Any]:
    """Where a non-durable task's message goes; durable ones are routed as they are accepted."""
    spec = registry.spec_of(name)
    return {"queue": spec.queue.value, "priority": int(spec.priority)}


def make_celery(values: Settings) -> LedgerCelery:
    """A Celery application for these settings."""
    # Named, not imported: tasks are declared with the application.
    made = LedgerCelery("groundwork", task_cls="app.jobs.celery.task:JobTask")
    made.conf.update(configuration(values), task_routes=(_route,))
    signals.import_modules.connect(_import_tasks, sender=made, weak=False)
    return made


def _import_tasks(**_: object) -> None:
    modules("tasks")


compat.check()
celery_app = make_celery(settings())
retrying.add_interruption(SoftTimeLimitExceeded)
chords.register_canvas(celery_app)
plain_tasks.register_lookup(celery_app)
