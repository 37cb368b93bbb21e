"""What is imported is declared, in `pyproject.toml`, and what is declared is imported or has a reason."""

from __future__ import annotations

import ast
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.bench.peers.environment import OBAN, PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
#: What runs beside the code or under it, and is imported by none of ours.
NOT_IMPORTED = {
    "flower": "Celery finds its command by the entry point",
    "supervisor": "runs the services where there is no systemd",
    "tzdata": "zoneinfo reads it",
}
#: Modules of this checkout, and one that a sample names because it is not there.
OWN = {"app", "tests", "not_at_run_time", *(path.stem for path in (ROOT / "scripts").glob("*.py"))}


def declared(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements}


RUN = declared(PROJECT["dependencies"])
EXTRAS = declared(one for name in ("otel", "sentry") for one in PROJECT["optional-dependencies"][name])
DEV = declared(PROJECT["optional-dependencies"]["dev"])
RELEASE = declared(PYPROJECT["dependency-groups"]["release"])
#: What benchmarks install in environments of their own.
BENCH = declared(requirement for one in (PEERS, OBAN) for requirement in one.requirements)


def sources(folder: str) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "__pycache__" not in path.parts:
            yield path


@cache
def imported(folder: str) -> dict[str, Path]:
    """The top-level names of others' packages, each with a file that imports it."""
    found: dict[str, Path] = {}
    for path in sources(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            found |= {name.partition(".")[0]: path for name in names_in(node)}
    return {name: path for name, path in found.items() if name not in OWN | sys.stdlib_module_names}


def names_in(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


#: It reads what every package says of itself.
by_package = cache(packages_distributions)


def distributions(name: str) -> set[str]:
    return {canonicalize_name(one) for one in by_package().get(name, [name])}


@pytest.mark.parametrize(
    ("folder", "usable"),
    [("app", RUN | EXTRAS), ("scripts", RUN | DEV | RELEASE), ("tests", RUN | DEV | RELEASE | BENCH)],
)
def test_what_is_imported_is_declared(folder: str, usable: set[str]) -> None:
    undeclared = {
        f"{name} (in {path.relative_to(ROOT)})"
        for name, path in imported(folder).items()
        if not distributions(name) & usable
    }
    assert undeclared == set()


def test_what_the_service_declares_it_imports() -> None:
    used = {one for name in imported("app") for one in distributions(name)}
    assert (RUN | EXTRAS) - used == set(NOT_IMPORTED)
