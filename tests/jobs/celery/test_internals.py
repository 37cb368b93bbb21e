"""No file but compat.py touches what Celery, kombu, billiard or redis-py keep to themselves."""

from __future__ import annotations

import ast
import importlib
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from app.jobs.celery import compat
from tests.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIBRARIES = {"celery", "kombu", "billiard", "redis"}
COMPAT = ROOT / "app" / "jobs" / "celery" / "compat.py"
#: Documented by Python itself, or without another way.
OF_PYTHON = {"_replace", "_asdict", "_fields", "_make", "_exit", "_run_exitfuncs"}
#: Leans on gunicorn alone.
OF_GUNICORN = ROOT / "app" / "http" / "gunicorn_worker.py"
#: What runs something when it is imported, and defines no class.
NOT_IMPORTED = ("migrations", "flower_settings")
INTERNAL_MODULES = {
    internal.owner.__name__ for internal in compat.USED if isinstance(internal.owner, ModuleType)
}


def sources() -> list[Path]:
    skipped = {COMPAT, OF_GUNICORN}
    return sorted(path for path in (ROOT / "app").rglob("*.py") if path not in skipped)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def touched(tree: ast.AST) -> Iterator[str]:
    """Private names of others, however they are written."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name) if is_private(name) and name not in OF_PYTHON:
                yield ast.unparse(node)
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "hasattr" | "delattr"),
                args=[_, ast.Constant(value=str(name)), *_],
            ) if is_private(name):
                yield ast.unparse(node)
            case ast.ImportFrom() if node.level == 0:
                yield from _imported_internals(node)
            case ast.Import():
                yield from (alias.name for alias in node.names if alias.name in INTERNAL_MODULES)


def _imported_internals(node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    if module.split(".")[0] not in LIBRARIES:
        return
    listed = {(one.owner.__name__, one.name) for one in compat.USED if isinstance(one.owner, ModuleType)}
    for alias in node.names:
        # Of `celery.worker.control` everybody may have what registers a command; the module itself nobody.
        whole = f"{module}.{alias.name}"
        if is_private(alias.name) or whole in INTERNAL_MODULES or (module, alias.name) in listed:
            yield whole


@pytest.mark.parametrize(
    "line",
    [
        "channel._in_poll",
        "super()._brpop_read()",
        "kombu: Any = self\nkombu._queue_cycle",
        "getattr(channel, '_in_poll', None)",
        "from celery._state import _tls",
        "from celery.worker import state as anything",
        "import celery.worker.state",
        "from billiard.common import TERM_SIGNAL",
        "from celery.worker.control import revoke",
    ],
)
def test_however_it_is_written_it_is_found(line: str) -> None:
    assert list(touched(ast.parse(line)))


def test_private_names_of_others_are_touched_in_one_file_alone() -> None:
    found = {str(path.relative_to(ROOT)): list(touched(ast.parse(path.read_text()))) for path in sources()}
    assert {path: names for path, names in found.items() if names} == {}


@cache
def private_names_of(base: type) -> frozenset[str]:
    """What a library's class defines, sets or calls."""
    codes = [value.__code__ for value in vars(base).values() if isinstance(value, FunctionType)]
    used = {name for code in codes for name in _names_in(code)}
    return frozenset(filter(is_private, used | vars(base).keys()))


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def undeclared(cls: type, tree: ast.ClassDef) -> set[str]:
    """Private names that `tree` uses of itself or defines, that a library's base has, and compat has not."""
    bases = [base for base in cls.__mro__ if base.__module__.split(".")[0] in LIBRARIES]
    theirs = {name for base in bases for name in private_names_of(base)}
    declared = {one.name for one in compat.OVERRIDDEN if one.owner in cls.__mro__}
    return set(_own_names(tree)) & theirs - declared


def _own_names(tree: ast.ClassDef) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                yield name
            case ast.FunctionDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name


def classes() -> Iterator[tuple[type, ast.ClassDef]]:
    for path in sources():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
        if found and not any(part in module for part in NOT_IMPORTED):
            loaded: Any = importlib.import_module(module)
            yield from ((getattr(loaded, node.name), node) for node in found)


def test_no_class_overrides_or_uses_what_its_base_keeps_to_itself_without_saying_so() -> None:
    found = {cls.__qualname__: undeclared(cls, tree) for cls, tree in classes()}
    assert {name: names for name, names in found.items() if names} == {}
    assert {"Channel", "QoS", "LedgerBackend", "LedgerScheduler"} <= found.keys()


class Careless(kombu_redis.Channel):
    """Has a method of its own that is one of kombu's, too, by mistake."""

    def _purge(self, queue: str) -> int:
        return len(queue)


class Curious(virtual.QoS):
    """Reads what is not its own."""

    def count(self) -> int:
        return len(self._delivered or ())


@pytest.mark.parametrize(("cls", "name"), [(Careless, "_purge"), (Curious, "_delivered")])
def test_a_class_that_does_is_found(cls: type, name: str) -> None:
    tree = ast.parse((ROOT / "tests/jobs/celery/test_internals.py").read_text())
    [node] = [one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == cls.__name__]
    assert undeclared(cls, node) == {name}
