"""Finds the packages of `app/` by the files they have, so that adding a domain edits no list."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent


def modules(kind: str) -> list[ModuleType]:
    """Every `app.<package>.<kind>`, imported, in the order of the packages' names.

    An import error is raised, not swallowed: a task that silently does not register is a lost task.
    """
    return [importlib.import_module(f"app.{package}.{kind}") for package in packages_with(kind)]


def packages_with(kind: str) -> list[str]:
    """The names of the packages that have a `<kind>.py`, in order; none is imported."""
    return sorted(path.parent.name for path in ROOT.glob(f"*/{kind}.py"))
