"""How tests ended."""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Outcome(Enum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    #: The run ended before.
    NOT_RUN = "not run"


def read(path: Path) -> dict[str, Outcome]:
    """By the names of the tests; what was noted last counts."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {test: Outcome(outcome) for test, outcome in map(json.loads, lines)}
