"""The plugins of preflight as Ansible loads them, and how their sentences are looked at."""

from __future__ import annotations

import importlib.util
import re
import sys
from typing import TYPE_CHECKING

from tests.ansible.roles import ROLES

if TYPE_CHECKING:
    from types import ModuleType

SECRET = "a-secret-that-is-long-enough-to-be-one-1"


def plugin(path: str, *, role: str = "host") -> ModuleType:
    """A Python file of a role, as Ansible loads it."""
    file = ROLES / role / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


INVENTORY = plugin("filter_plugins/inventory_errors.py")
GROUPS = plugin("filter_plugins/group_errors.py")
VARIABLES = plugin("action_plugins/host_variables.py")
PROBE = plugin("library/host_probe.py")


def only(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


def assert_said(said: list[str], sentence: str) -> None:
    assert re.search(sentence, only(said)), said
