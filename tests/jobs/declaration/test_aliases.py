"""A path of a function stands for its public task, and for nothing else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from app.jobs.celery.task import task
from app.jobs.declaration import aliases, registry
from app.jobs.errors import NoPublicTask, UnknownTask
from tests.jobs import samples
from tests.sample import celery_tasks, tasks

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SENTENCE = 300


@pytest.fixture(autouse=True)
def _own_settings(configure: Callable[..., None]) -> None:
    """Settings that can be read."""


@pytest.mark.parametrize(
    "path",
    [
        "app.tasks.sync_all_accounts",
        "app.tasks.plaid_tasks.sync_all_accounts",
        "app.services.tasks.banking.sync_all_accounts",
        "backend.app.task.tasks.banking.tasks.sync_all_accounts",
        "app.domains.banking.tasks.sync_all_accounts",
    ],
)
def test_a_path_stands_for_the_task_of_its_function(path: str) -> None:
    assert aliases.spec_of(path) is registry.spec_of("banking.sync_all_accounts")


def test_a_name_stands_for_itself_whatever_it_looks_like() -> None:
    named = task(name="app.tasks.plaid_tasks.sync_all_accounts_here", public=True)(tasks.touch.run)
    try:
        assert aliases.spec_of(named.name).name == named.name
    finally:
        del registry._DECLARED[named.name]
    assert aliases.spec_of(celery_tasks.greet.name).name == celery_tasks.greet.name


@pytest.mark.parametrize(
    "path",
    [
        "sync_all_accounts",
        "tasks.sync_all_accounts",
        "app.sync_all_accounts",
        "tasks.app.sync_all_accounts",
        "banking.tasks.sync_all_accounts",
        "application.tasks.sync_all_accounts",
        "app.tasks",
        "",
        "...",
    ],
)
def test_what_leads_through_no_tasks_of_an_app_is_no_path(path: str) -> None:
    with pytest.raises(UnknownTask):
        aliases.spec_of(path)


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("app.tasks.plaid_tasks.sync_al_accounts", "banking.sync_all_accounts"),
        ("app.tasks.plaid_tasks.handle_plaid_webhook", "banking.handle_plaid_webhook"),
        ("app.tasks.plaid_tasks.Sync_All_Accounts", "banking.sync_all_accounts"),
    ],
)
def test_the_path_of_no_public_task_is_refused_with_the_nearest(path: str, nearest: str) -> None:
    with pytest.raises(NoPublicTask) as refused:
        aliases.spec_of(path)
    assert str(refused.value) == f"By '{path}' no public task is meant. The nearest is \"{nearest}\"."


@pytest.mark.parametrize(
    "function", ["", " ", "\x00", "\ud800", "x" * 1_000_000, "同步", "__class__", "run()"]
)
def test_nonsense_is_refused_in_a_sentence_that_can_be_printed(function: str) -> None:
    with pytest.raises(NoPublicTask) as refused:
        aliases.spec_of(f"app.tasks.email.{function}")
    assert len(str(refused.value).encode()) < MAX_SENTENCE


def test_a_function_of_two_public_tasks_needs_a_place_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = task(name="elsewhere.greet", public=True)(samples.greet.run)
    try:
        with pytest.raises(NoPublicTask):
            aliases.spec_of("app.tasks.greet")
        monkeypatch.setitem(aliases.AMBIGUOUS, "greet", twice.name)
        assert aliases.spec_of("app.tasks.greet").name == twice.name
    finally:
        del registry._DECLARED[twice.name]


def test_the_table_names_public_tasks_and_leaves_no_function_out() -> None:
    ours = [spec for spec in registry.tasks().values() if spec.body.__module__.startswith("app.")]
    called = Counter(spec.body.__name__ for spec in ours if spec.public)
    assert set(aliases.AMBIGUOUS) == {function for function, times in called.items() if times > 1}
    assert all(registry.spec_of(name).public for name in aliases.AMBIGUOUS.values())
