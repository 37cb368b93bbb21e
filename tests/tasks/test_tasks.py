"""Tasks are imported from where other services have them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

import app.tasks
from app.domains.banking.tasks import sync_all_accounts
from app.jobs.celery.application import celery_app

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where the function was declared, there is a promise of it.
TASK = celery_app.tasks[sync_all_accounts.name]


@pytest.fixture(autouse=True)
def _own_settings(configure: Callable[..., None]) -> None:
    """Settings that can be read."""


@pytest.mark.parametrize("module", ["app.tasks", *(f"app.tasks.{name}" for name in app.tasks.MODULES)])
def test_a_task_is_in_every_module_of_old(module: str) -> None:
    assert import_module(module).sync_all_accounts is TASK


def test_a_module_can_be_imported_by_itself() -> None:
    names: dict[str, Any] = {}
    exec("from app.tasks import plaid_tasks", names)
    assert names["plaid_tasks"].sync_all_accounts is TASK


@pytest.mark.parametrize("module", ["app.tasks", "app.tasks.plaid_tasks"])
def test_what_is_no_public_task_is_refused_with_the_nearest(module: str) -> None:
    with pytest.raises(ImportError, match=r'no public task is meant. The nearest is "banking\.'):
        exec(f"from {module} import handle_plaid_webhook")


def test_a_module_that_nobody_has_is_not_there() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"app\.tasks\.elsewhere"):
        import_module("app.tasks.elsewhere")


def test_who_looks_through_all_modules_is_told_of_no_task() -> None:
    assert not hasattr(import_module("app.tasks.email"), "__file__")
    assert not hasattr(app.tasks, "_private")
