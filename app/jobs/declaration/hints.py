"""Reads a function's annotations, also those whose names are imported for type checkers alone."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import sys
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Names(dict[str, Any]):
    """What annotations of a module may name beside its globals; `Any` for what cannot be found."""

    def __init__(self, module: dict[str, Any]) -> None:
        super().__init__()
        self._module = module
        self.unknown: set[str] = set()

    def __missing__(self, name: str) -> Any:
        if name in self._module or hasattr(builtins, name):
            raise KeyError(name)  # Python looks there next
        found = _for_type_checkers(self._module.get("__name__", ""))
        if name not in found:
            self.unknown.add(name)
        return found.get(name, Any)


def signature_of(body: Callable[..., Any]) -> tuple[inspect.Signature, list[str]]:
    """The signature with its annotations evaluated, and what of them could not be: that is `Any`."""
    module = getattr(inspect.unwrap(body), "__globals__", {})
    names = _Names(module)
    try:
        return inspect.signature(body, globals=module, locals=names, eval_str=True), sorted(names.unknown)
    except Exception as error:  # an annotation is any expression
        return _without_annotations(inspect.signature(body)), sorted(names.unknown) or [str(error)]


def _without_annotations(signature: inspect.Signature) -> inspect.Signature:
    return signature.replace(
        parameters=[each.replace(annotation=each.empty) for each in signature.parameters.values()]
    )


@lru_cache
def _for_type_checkers(module: str) -> dict[str, Any]:
    """The names that a module imports under `if TYPE_CHECKING:`, as far as there are such at run time."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}
    package = sys.modules[module].__package__
    found: dict[str, Any] = {}
    for statement in _type_checking_imports(tree):
        for alias in statement.names:
            with suppress(ImportError, AttributeError):
                found |= _imported(statement, alias, package=package)
    return found


def _type_checking_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING":
            yield from (each for each in node.body if isinstance(each, ast.Import | ast.ImportFrom))


def _imported(
    statement: ast.Import | ast.ImportFrom, alias: ast.alias, *, package: str | None
) -> dict[str, Any]:
    if isinstance(statement, ast.Import):
        whole, top = importlib.import_module(alias.name), alias.name.split(".")[0]
        return {alias.asname: whole} if alias.asname else {top: sys.modules[top]}
    origin = "." * statement.level + (statement.module or "")
    source = importlib.import_module(origin, package)
    return {alias.asname or alias.name: getattr(source, alias.name)}
