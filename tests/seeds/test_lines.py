"""What documents of other services show is here, as written or as the tables of app/SEEDS.md say."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from celery.schedules import crontab

from app.api import app
from app.celery_app import celery_app
from app.jobs.celery.without_ledger.configuration import configuration
from app.jobs.declaration import aliases, registry
from app.jobs.errors import NoPublicTask, UnknownTask
from app.schedule.spec import cron, every
from app.settings.config import Settings, settings
from app.settings.sources import PREFIX
from app.topology import Queue, drained_queues
from tests.seeds.lines import KINDS, ROOT, Line, Status, all_lines, each

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = (Status.WORKS, Status.RENAMED)
#: Ways by which test_commands.py tries a command by itself.
TRIED = {"parses", "refused", "runs", "worker"}
METHODS = {"GET", "POST"}
WEEK = timedelta(days=8)


@pytest.fixture(autouse=True)
def _own_settings(configure: Callable[..., None]) -> None:
    """Settings that can be read."""


@pytest.mark.parametrize("document", ["administration", "discounts", "households", "invoices", "models"])
def test_a_document_shows_something_of_each_kind_that_counts(document: str) -> None:
    shown = {line.kind for line in all_lines() if line.document == document}
    assert shown >= KINDS.keys() - {"queues"}


def test_what_is_not_here_at_all_is_known() -> None:
    assert [str(line) for line in all_lines() if line.why and line.proof == "" and not line.here] == [
        "discounts: rm celerybeat-schedule",
        "invoices: priorities 40 to 70 of queues",
        "invoices: Dockerfile.celery",
    ]


@each("tasks", status=[Status.WORKS])
def test_a_task_that_works_as_written_is_sent_by_its_path(line: Line) -> None:
    assert aliases.spec_of(line.says).name == line.here


@each("tasks", status=[Status.RENAMED])
def test_a_task_that_clients_may_not_send_is_not_sent_by_its_path(line: Line) -> None:
    assert registry.spec_of(line.here)
    with pytest.raises((NoPublicTask, UnknownTask)):
        aliases.spec_of(line.says)


@each("tasks", takes=lambda takes: takes is not None)
def test_a_task_takes_what_the_document_gives_it(line: Line) -> None:
    parameters = registry.spec_of(line.here).signature.parameters
    takes = line.facts["takes"]
    assert list(parameters)[: len(takes)] == takes
    assert {name for name, one in parameters.items() if one.default is one.empty} <= set(takes)


@each("schedules", status=SHOWN)
def test_a_schedule_is_declared_with_its_task(line: Line) -> None:
    facts = line.facts
    asked = every(timedelta(seconds=facts["seconds"])) if "seconds" in facts else cron(facts["cron"])
    declared: Any = registry.spec_of(line.here).schedule
    here = cron(facts["cron_here"]) if line.why else asked
    assert declared.describe() == here.describe()
    assert (here.describe() == asked.describe()) == (line.status is Status.WORKS)


@each("schedules", status=SHOWN)
def test_the_task_of_a_schedule_is_that_of_its_path(line: Line) -> None:
    [task] = [one for one in all_lines("tasks") if one.says == line.facts["task"]]
    assert task.here == line.here


@each("queues", status=SHOWN)
def test_a_queue_is_drained(line: Line) -> None:
    assert Queue(line.here or line.says) in drained_queues()


@each("imports", status=SHOWN)
def test_what_a_document_imports_is_there(line: Line) -> None:
    module = import_module(line.here or line.says)
    assert all(hasattr(module, name) for name in line.facts.get("names_here", line.facts["names"]))


@each(
    "imports",
    status=[Status.RENAMED],
    says=lambda says: not says.startswith("celery") and says != "app.tasks",
)
def test_what_is_imported_from_elsewhere_is_not_where_the_document_says(line: Line) -> None:
    with pytest.raises(ImportError):
        import_module(line.says)


@each("settings", conf=bool)
def test_celery_is_set_so(line: Line) -> None:
    assert celery_app.conf[line.facts["conf"]] == line.facts["value"]


@each("settings", here=lambda here: here.startswith(PREFIX))
def test_a_setting_has_its_name_here(line: Line) -> None:
    assert line.here.removeprefix(PREFIX).lower() in Settings.model_fields


def test_time_limits_are_what_the_settings_say(configure: Callable[..., None]) -> None:
    lines = [line for line in all_lines("settings") if "set" in line.facts]
    configure(**{line.here.removeprefix(PREFIX).lower(): line.facts["set"] for line in lines})
    told = configuration(settings())
    assert [told[line.says.partition(" ")[0]] for line in lines] == [line.facts["set"] for line in lines]
    assert lines


@each("settings", file=bool)
def test_a_file_of_the_host_says_so(line: Line) -> None:
    assert line.facts["text"] in (ROOT / line.facts["file"]).read_text()


@each("settings", cron=bool)
def test_five_fields_are_the_moments_of_celerys_crontab(line: Line) -> None:
    call: Any = ast.parse(line.says, mode="eval").body
    theirs = crontab(**{word.arg: ast.literal_eval(word.value) for word in call.keywords})
    ours, at, moments = cron(line.facts["cron"]), datetime(2026, 1, 1, tzinfo=UTC), 0
    while (following := ours.next(at)) is not None and following < datetime(2026, 1, 1, tzinfo=UTC) + WEEK:
        assert at + theirs.remaining_delta(at, tz=UTC)[1] == following
        at, moments = following, moments + 1
    assert moments


@each("settings", is_a=bool)
def test_a_task_is_of_the_class(line: Line) -> None:
    module, _, name = line.facts["is_a"].partition(":")
    assert isinstance(celery_app.tasks["mail.send_email"], getattr(import_module(module), name))


def test_every_setting_is_held_by_a_test() -> None:
    held = ("conf", "file", "cron", "is_a")
    assert [
        str(line)
        for line in all_lines("settings")
        if not line.proof
        and not line.here.startswith(PREFIX)
        and not any(name in line.facts for name in held)
    ] == []


@each("endpoints", says=lambda says: says.partition(" ")[0] in METHODS)
def test_a_route_is_there(line: Line) -> None:
    method, _, path = (line.here or line.says).partition(" ")
    assert method.lower() in _routes()[path.partition("?")[0]]


@cache
def _routes() -> dict[str, Any]:
    return dict(app.openapi()["paths"])


@each("endpoints", setting=bool)
def test_a_port_is_that_of_the_setting(line: Line) -> None:
    assert Settings.model_fields[line.facts["setting"]].default == line.facts["value"]
    assert line.here.endswith(f":{line.facts['value']}")


@each("files", status=SHOWN)
def test_a_file_is_there(line: Line) -> None:
    assert list(ROOT.glob(line.here or line.says))


@each("calls", status=SHOWN)
def test_a_call_is_shown_by_a_test(line: Line) -> None:
    assert "::" in line.proof


@pytest.mark.parametrize("proof", sorted({line.proof for line in all_lines()} - TRIED - {""}))
def test_a_test_that_shows_something_exists(proof: str) -> None:
    path, _, name = proof.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
