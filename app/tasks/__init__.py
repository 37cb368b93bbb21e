"""The public tasks by their functions, as other services have them: `from app.tasks.email import send_email`.

Which module is named does not matter: the function alone says which task is meant, as in
`app.jobs.declaration.aliases`. None of the modules is a file.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from app.jobs.celery.application import celery_app
from app.jobs.declaration import aliases
from app.jobs.errors import NoPublicTask

if TYPE_CHECKING:
    from celery import Task

MODULES = (
    "email",
    "email_tasks",
    "integrations",
    "invoices",
    "models",
    "notification_tasks",
    "notifications",
    "plaid_tasks",
    "reports",
    "time_capture",
)


def __getattr__(name: str) -> Task[..., Any]:
    return _task(name, module=__name__)


class _Tasks(ModuleType):
    """A module whose names are those of all public tasks."""

    def __getattr__(self, name: str) -> Task[..., Any]:
        return _task(name, module=self.__name__)


def _task(name: str, *, module: str) -> Task[..., Any]:
    if name.startswith("_"):
        raise AttributeError(f'"{module}" has no "{name}".')
    try:
        spec = aliases.spec_of(f"{module}.{name}")
    except NoPublicTask as error:
        # Of an AttributeError, `from ... import` would keep the sentence to itself.
        raise ImportError(str(error)) from None
    return celery_app.tasks[spec.name]


for _name in MODULES:
    sys.modules[f"{__name__}.{_name}"] = globals()[_name] = _Tasks(f"{__name__}.{_name}")
