"""Libraries do all that they did, and say less of it."""

from __future__ import annotations

import subprocess
import sys
import typing
from importlib.util import cache_from_source, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.processes.lean_bytecode import LIBRARIES, compile_lean
from tests.checkout import ROOT

if TYPE_CHECKING:
    from types import ModuleType

SOURCE = '''"""First line.

More of it.
"""
from __future__ import annotations

from typing import Protocol, overload


@overload
def double(of: int) -> int: ...
@overload
def double(of: str) -> str: ...
def double(of: int | str) -> int | str:
    """
    Twice the same.

    >>> double(2)
    """
    assert of, "nothing to double"
    return of * 2


class Caller(Protocol):
    """Is called."""

    @overload
    def __call__(self, of: int) -> int: ...
    @overload
    def __call__(self, of: str) -> str: ...


async def later() -> None:
    """"""
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "library.py"
    found.write_text(SOURCE)
    return found


def loaded(path: Path) -> ModuleType:
    """As Python loads it, from what was compiled."""
    spec = spec_from_file_location("library", path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def library(path: Path) -> ModuleType:
    typing.clear_overloads()
    compile_lean(path)
    return loaded(path)


def test_a_docstring_is_its_first_line(library: ModuleType) -> None:
    assert library.__doc__ == "First line."
    assert library.double.__doc__ == "Twice the same."
    assert library.Caller.__doc__ == "Is called."
    assert library.later.__doc__ == ""


def test_code_annotations_assertions_and_lines_are_what_they_were(library: ModuleType) -> None:
    assert library.double("ab") == "abab"
    assert library.double.__annotations__ == {"of": "int | str", "return": "int | str"}
    with pytest.raises(AssertionError, match="nothing to double") as caught:
        library.double(0)
    assert caught.traceback[-1].lineno == SOURCE.splitlines().index('    assert of, "nothing to double"')


def test_overloads_of_a_function_that_is_there_are_gone(library: ModuleType) -> None:
    assert not typing.get_overloads(library.double)


def test_overloads_that_are_all_there_is_stay(library: ModuleType) -> None:
    assert "__call__" in vars(library.Caller)


def test_what_was_compiled_before_is_replaced(path: Path) -> None:
    assert loaded(path).__doc__ == "First line.\n\nMore of it.\n"
    compile_lean(path)
    assert loaded(path).__doc__ == "First line."


def test_what_changes_later_is_compiled_anew(path: Path) -> None:
    compile_lean(path)
    path.write_text('"""Another."""')
    assert loaded(path).__doc__ == "Another."


def test_what_cannot_be_kept_is_named(path: Path) -> None:
    Path(cache_from_source(path)).parent.write_text("in the way")
    with pytest.raises(OSError, match=cache_from_source(path)):
        compile_lean(path)


def test_a_file_that_python_would_silently_not_write_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", "/proc/nowhere")
    with pytest.raises(PermissionError, match="Run this as the user that owns"):
        compile_lean(path)


def test_every_library_is_one_that_a_service_loads() -> None:
    program = (
        "import sys, app.processes.lean_libraries as lean; lean.load();"
        "import app.api, app.celery_app, celery.bin.worker, gunicorn.app.wsgiapp;"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(LIBRARIES) <= set(done.stdout.split())
