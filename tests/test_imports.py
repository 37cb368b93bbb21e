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


def test_no_folder_is_crowded() -> None:
    folders = {path.parent for path in modules()}
    counts = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders}
    assert counts["app"] <= MAX_LOOSE_FILES
    assert {name: n for name, n in counts.items() if n > MAX_FILES} == {}


def test_no_package_has_logic_in_its_init() -> None:
    with_logic = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.name == "__init__.py"
        and path != ROOT / "app" / "__init__.py"
        and len(ast.parse(path.read_text()).body) > 1
    ]
    assert with_logic == []
