"""A host that is ready, what is wanted of it, and what preflight says when one of them differs."""

from __future__ import annotations

import copy
import importlib.util
import re
import sys
from typing import TYPE_CHECKING, Any

from tests.ansible.roles import ROLES

if TYPE_CHECKING:
    from types import ModuleType

SECRET = "a-secret-that-is-long-enough-to-be-one-1"
FACTS = {
    "distribution": "Debian",
    "distribution_major_version": "12",
    "service_mgr": "systemd",
    "systemd": {"version": 252},
}
LOOK = {
    "python": "3.11.2",
    "memory_mb": 2000,
    "disk_free_mb": {"/opt": 10_000, "/var/lib": 10_000},
    "clock_skew_seconds": 0.4,
    "ports": [
        {"port": 22, "pid": 100, "process": "sshd", "run_by": ["ssh.service"]},
        {"port": 6379, "pid": 101, "process": "redis-server", "run_by": ["redis-server.service"]},
    ],
}
ONE_HOST = {name: ["one"] for name in ("api", "workers", "beat", "redis", "database")}
WANTED: dict[str, Any] = {
    "distributions": {"Debian": ["12", "13"]},
    "pythons": ["3.11", "3.13"],
    "least_memory_mb": 900,
    "least_disk_mb": 2048,
    "most_clock_skew_seconds": 10,
    "secrets": {"redis_app_password": SECRET},
    "ports": [{"name": "redis_port", "port": 6379, "ours": ["redis-server.service"]}],
    "numbers": [{"name": "soft_shutdown_seconds", "value": 45, "below": "TimeoutStopSec", "limit": "60"}],
    "names": {"redis_app_user": "groundwork"},
    "texts": [{"name": "redis_prefix", "value": "groundwork:", "pattern": r"[^\s*]+", "takes": "no blank"}],
    "choices": [{"name": "pools", "given": ["bulk"], "known": ["standard", "bulk"], "kind": "pool"}],
    "agreements": [{"name": "redis_prefix", "value": "a:", "other": "the setting", "other_value": "a:"}],
    "listeners": [{"name": "redis_bind", "addresses": ["127.0.0.1"], "encrypted": False}],
    "groups": {"all": ["one"], "ungrouped": [], **ONE_HOST},
    "external": [],
    "sqlite": False,
}


def plugin(path: str) -> ModuleType:
    """A Python file of the role, as Ansible loads it."""
    file = ROLES / "host" / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


OF_HOST = plugin("filter_plugins/host_mistakes.py")
OF_WISHES = plugin("filter_plugins/wish_mistakes.py")
OF_GROUPS = plugin("filter_plugins/group_mistakes.py")
OF_VARIABLES = plugin("action_plugins/host_variables.py")
LOOKING = plugin("library/host_look.py")


def mistakes(
    *, facts: dict[str, Any] | None = None, look: dict[str, Any] | None = None, **wanted: Any
) -> list[str]:
    wishes, seen = {**copy.deepcopy(WANTED), **wanted}, {**LOOK, **(look or {})}
    found: list[str] = OF_HOST.mistakes(seen, facts={**FACTS, **(facts or {})}, wanted=wishes)
    return [*found, *OF_WISHES.mistakes(wishes, look=seen), *OF_GROUPS.mistakes(wishes)]


def only(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


def assert_said(said: list[str], sentence: str) -> None:
    assert re.search(sentence, only(said)), said
