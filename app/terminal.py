"""What the commands print with: tables for people, JSON for scripts, one sentence for a failure."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Columns when the output is no terminal: wide enough that no id is cut for `grep`.
PIPE_WIDTH = 200


def console() -> Console:
    """Standard output."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(width=width, highlight=False)


def say_error(sentence: str) -> None:
    """Print a sentence on standard error, in one line whatever the width."""
    Console(stderr=True, highlight=False).print(sentence, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print `value` as JSON, times as ISO 8601."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain) + "\n")


def print_table(*, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print rows under their column names, or the sentence `empty` when there are none."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    output = console()
    if table.row_count:
        output.print(table)
    else:
        output.print(empty)


def ago(moment: datetime | None) -> str:
    """How long ago `moment` was, or how far ahead it is, in one unit: "5 min ago", "in 2 h"."""
    if moment is None:
        return ""
    distance = datetime.now(UTC) - moment
    if distance < timedelta(0):
        return f"in {_in_one_unit(-distance)}"
    return f"{_in_one_unit(distance)} ago"


def _in_one_unit(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form.")
