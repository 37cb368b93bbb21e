"""The lines of the documents, for tests of one kind of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.checkout import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

# (scripts/ is no package)
from seed_tables import KINDS, Line, Status, documents, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["KINDS", "ROOT", "Line", "Status", "all_lines", "each"]


def all_lines(kind: str | None = None) -> list[Line]:
    """Every line of the documents, or those of a kind."""
    return [line for name in documents() for line in lines_of(name) if kind in (None, line.kind)]


def each(
    kind: str, *, status: Collection[Status] = tuple(Status), **wanted: Callable[[Any], bool]
) -> pytest.MarkDecorator:
    """Try a test with each line of a kind that came to one of `status`, and has these facts."""
    lines = [line for line in all_lines(kind) if line.status in status and _has(line, wanted)]
    return pytest.mark.parametrize("line", lines, ids=_id)


def _has(line: Line, wanted: dict[str, Callable[[Any], bool]]) -> bool:
    return all(fits(getattr(line, name, line.facts.get(name))) for name, fits in wanted.items())


def _id(line: Line) -> str:
    return str(line)
