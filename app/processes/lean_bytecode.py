"""Compiles the libraries that every service loads without what is there for readers and type checkers.

    python -m app.processes.lean_bytecode

What is taken out lies in the memory of each service otherwise, for as long as it runs. `python -OO` would
take out assertions as well, and the docstrings of our own code, which describe the API. Standard library
only.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from errno import EACCES
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = (
    "amqp",
    "anyio",
    "billiard",
    "celery",
    "click",
    "cryptography",
    "fastapi",
    "gunicorn",
    "kombu",
    "psycopg",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "redis",
    "sqlalchemy",
    "starlette",
    "structlog",
)
#: Whose docstrings are what `celery --help` prints.
READ = ("celery/bin",)
CHUNK = 20
UNWRITABLE = "Run this as the user that owns the virtual environment"

Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Lean(SourceFileLoader):
    def source_to_code(self, data: Any, path: Any, **options: Any) -> Any:  # type: ignore[override]
        return super().source_to_code(lean(ast.parse(data)), path, **options)


def main() -> None:
    """Compile them in the virtual environment of this Python."""
    files = list(_files(Path(sysconfig.get_path("purelib"))))
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(compile_lean, files, chunksize=CHUNK):
            pass


def _files(packages: Path) -> Iterator[Path]:
    read = [packages / name for name in READ]
    for library in LIBRARIES:
        for path in (packages / library).rglob("*.py"):
            if not any(path.is_relative_to(folder) for folder in read):
                yield path


def compile_lean(path: Path) -> None:
    """Compile one module, in place of how it was compiled before. Raises `OSError` where it cannot be."""
    kept = Path(cache_from_source(path))
    kept.unlink(missing_ok=True)
    # Python itself then takes it for what it would have compiled, until the source changes.
    sys.dont_write_bytecode = False
    _Lean(path.stem, str(path)).get_code(path.stem)
    if not kept.exists():
        # Python goes on without a word.
        raise PermissionError(EACCES, UNWRITABLE, str(kept))


def lean(tree: ast.Module) -> ast.Module:
    """`tree` with one line of each docstring, and without overloads of functions that are there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function):
            _shorten_docstring(node)
        if isinstance(node, ast.Module | ast.ClassDef):
            node.body = _without_overloads(node.body)
    return tree


def _shorten_docstring(node: ast.Module | ast.ClassDef | Function) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        text = first.value.value
        if isinstance(text, str) and text.strip():
            # Not none at all: SQLAlchemy asserts that its events have one.
            first.value.value = text.strip().splitlines()[0]


def _without_overloads(body: list[ast.stmt]) -> list[ast.stmt]:
    there = {one.name for one in body if isinstance(one, Function) and not _is_overload(one)}
    return [
        one for one in body if not (isinstance(one, Function) and _is_overload(one) and one.name in there)
    ]


def _is_overload(function: Function) -> bool:
    return any(ast.unparse(one).rpartition(".")[2] == "overload" for one in function.decorator_list)


if __name__ == "__main__":
    main()
