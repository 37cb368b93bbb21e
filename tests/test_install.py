"""What sets a checkout up builds nothing with tools that are not locked."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture(scope="module")
def install() -> ModuleType:
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = importlib.util.spec_from_file_location("install", SCRIPTS / "install.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(SCRIPTS))


@pytest.mark.parametrize("level", ["build", "run", "dev"])
def test_the_locked_build_tools_come_first_and_no_build_fetches_others(
    install: ModuleType, level: str
) -> None:
    first, *rest = install.steps(level).values()
    assert {"--require-hashes", "--only-binary=:all:", "--requirement=requirements-build.txt"} <= set(first)
    for arguments in rest:
        assert "--no-build-isolation" in arguments
    assert f"--requirement={install.LOCKS[level]}" in rest[0]
    assert "--require-hashes" in rest[0]
