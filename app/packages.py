"""Finds the packages of `app/` by the files they have, so that adding a domain edits no list."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent


@cache
def modules(kind: str) -> tuple[ModuleType, ...]:
    """Every module called `kind` in a package of `app/`, imported, in the order of the packages' names.

    An import error is raised, not swallowed: a task that silently does not register is a lost task.
    """
    return tuple(importlib.import_module(name) for name in module_names(kind))


@cache
def module_names(kind: str) -> tuple[str, ...]:
    """The dotted names of the modules called `kind`, by their packages' names; none is imported."""
    paths = sorted(ROOT.glob(f"*/**/{kind}.py"), key=lambda path: path.parent.name)
    return tuple(".".join(("app", *path.relative_to(ROOT).with_suffix("").parts)) for path in paths)
