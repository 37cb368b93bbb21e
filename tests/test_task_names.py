"""The tasks that other services have under other names are here, with what they take and when they run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.jobs.declaration.registry import tasks

PAGE = Path(__file__).parents[1] / "app" / "README.md"
ROW = re.compile(r"^\| `(\w+)\((.*?)\)` \| `([\w.]+)` \|(.*?)\|$", re.MULTILINE)


def rows() -> list[tuple[str, ...]]:
    return [tuple(cell.strip() for cell in row) for row in ROW.findall(PAGE.read_text())]


def test_the_page_names_them() -> None:
    assert len(rows()) == 9


@pytest.mark.parametrize(("elsewhere", "takes", "here", "when"), rows())
def test_each_is_there(elsewhere: str, takes: str, here: str, when: str) -> None:
    spec = tasks()[here]
    assert elsewhere.startswith("delete_db") or here.endswith(f".{elsewhere}")
    arguments = [name.strip() for name in takes.split(",") if name.strip()]
    assert list(spec.signature.parameters)[: len(arguments)] == arguments
    needed = [one.name for one in spec.signature.parameters.values() if one.default is one.empty]
    assert needed == arguments or spec.name.startswith("audit.delete")
    assert when == (spec.schedule.describe() if spec.schedule else "")
