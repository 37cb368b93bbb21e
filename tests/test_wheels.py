"""What a release holds is decided for the target's Python, never for the one that builds it."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from wheels import BUILT_HERE, TARGETS, Target, pinned_to, requirements_for  # noqa: E402 (scripts/ is no package)

LOCK = (ROOT / "requirements.txt").read_text()


def names(python: str) -> set[str]:
    return {
        line.partition("==")[0] for line in requirements_for(Target(python=python), lock=LOCK).splitlines()
    }


def test_a_dependency_of_early_patch_versions_only_is_left_out_of_the_later_ones() -> None:
    assert "async-timeout" in names("3.11")
    assert "async-timeout" not in names("3.13")


@pytest.mark.parametrize("python", TARGETS)
def test_nothing_for_another_system_is_taken(python: str) -> None:
    assert "colorama" not in names(python)
    assert {"celery", "psycopg-binary", "cryptography"} <= names(python)


@pytest.mark.parametrize("python", TARGETS)
def test_every_line_is_pinned_hashed_and_without_a_marker(python: str) -> None:
    for line in requirements_for(Target(python=python), lock=LOCK).splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+", line)


@pytest.mark.parametrize("python", TARGETS)
def test_what_is_built_here_is_pinned_to_the_wheel_that_came_of_it(python: str, tmp_path: Path) -> None:
    requirements = requirements_for(Target(python=python), lock=LOCK)
    wheels = [tmp_path / f"{name.replace('-', '_')}-1.0-py3-none-any.whl" for name in BUILT_HERE]
    for wheel in wheels:
        wheel.write_bytes(wheel.name.encode())
    before, after = requirements.splitlines(), pinned_to(wheels, requirements=requirements).splitlines()
    changed = {line.partition("==")[0] for line, was in zip(after, before, strict=True) if line != was}
    assert changed == BUILT_HERE
    digests = {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    assert digests == {
        line.partition("sha256:")[2] for line in after if line.partition("==")[0] in BUILT_HERE
    }
