"""What a release holds is decided for the target's Python, never for the one that builds it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from wheels import TARGETS, Target, requirements_for  # noqa: E402 (scripts/ is no package)

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
    assert not {"colorama", "tzdata"} & names(python)
    assert {"celery", "psycopg-binary", "cryptography"} <= names(python)


@pytest.mark.parametrize("python", TARGETS)
def test_every_line_is_pinned_hashed_and_without_a_marker(python: str) -> None:
    for line in requirements_for(Target(python=python), lock=LOCK).splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+", line)
