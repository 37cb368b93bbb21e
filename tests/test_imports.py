"""Imports run downwards: the contracts in pyproject.toml hold between files, and these rules within them."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LOOSE_FILES = 10
MAX_FILES = 20


def modules() -> list[Path]:
    return sorted((ROOT / "app").rglob("*.py"))


def hidden_imports(path: Path) -> Iterator[str]:
    """The imports of the application inside of functions that do not say why they are there."""
    source = path.read_text()
    lines = source.splitlines()
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "app":
                block = lines[function.lineno - 1 : node.end_lineno]
                if not any("#" in line for line in block):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"


def test_an_import_inside_a_function_says_why() -> None:
    # Commands load what they need when they run, so that `groundwork --help` answers at once.
    unexplained = [found for path in modules() if path.name != "cli.py" for found in hidden_imports(path)]
    assert unexplained == []


@pytest.mark.parametrize(
    "module", ["app.jobs.ledger.models", "app.jobs.service", "app.jobs.transitions.recover"]
)
def test_the_ledger_is_imported_without_celery_and_http(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"celery", "fastapi", "starlette"} & set(loaded.stdout.split())


#: Who may know which broker there is, beside the two implementations of the port and Celery's transports.
KNOW_REDIS = {
    "app/health/doctor/redis_server.py",  # checks its settings
    "app/logs/failures.py",  # says what is wrong with it
    "app/outbound/mirror/stores.py",  # writes results for others
}
KNOW_RABBITMQ = {"app/logs/failures.py"}


def importers(library: str) -> set[str]:
    """The files that import a library, besides those that are about a broker."""
    found = {path for path in modules() for name in _imported(path) if name.split(".")[0] == library}
    places = {str(path.relative_to(ROOT)) for path in found}
    return {place for place in places if "jobs/broker/" not in place and "celery/transport/" not in place}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_nothing_else_knows_which_broker_it_is() -> None:
    assert importers("redis") == KNOW_REDIS
    assert importers("amqp") == KNOW_RABBITMQ


def test_a_process_on_redis_loads_nothing_of_rabbitmq() -> None:
    program = "import sys, secrets, os; os.environ['GROUNDWORK_SECRET_KEY'] = secrets.token_urlsafe(32); "
    program += "import app.celery_app; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "app.jobs.broker.redis" in loaded.stdout.split()
    assert not {"app.jobs.broker.rabbitmq", "kombu.transport.pyamqp"} & set(loaded.stdout.split())


def test_no_folder_is_crowded() -> None:
    folders = {path.parent for path in modules()}
    counts = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders}
    assert counts["app"] <= MAX_LOOSE_FILES
    assert {name: n for name, n in counts.items() if n > MAX_FILES} == {}


#: Counts for garbage from the first import on; serves names in place of files.
WITH_LOGIC = {"app/__init__.py", "app/tasks/__init__.py"}


def test_no_package_has_logic_in_its_init() -> None:
    with_logic = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.name == "__init__.py" and len(ast.parse(path.read_text()).body) > 1
    ]
    assert set(with_logic) == WITH_LOGIC
