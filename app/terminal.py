"""What the commands print with: tables for people, JSON for scripts, one sentence for a failure.

Services are started by commands too, and need none of what draws tables: it is imported where it is used.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.values.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

#: The option of every command whose output a script may read.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
#: The option of every command that asks before it does something.
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
#: The options by which a command takes the arguments of a task.
Pairs = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="NAME=VALUE", help="An argument; may be repeated.", show_default=False),
]
Document = Annotated[
    str | None,
    typer.Option("--json-args", metavar="JSON", help="All arguments as a JSON object.", show_default=False),
]
#: Columns when the output is no terminal: wide enough that no id is cut for `grep`.
PIPE_WIDTH = 200


def console() -> Console:
    """Standard output."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(width=width, highlight=False)


def error_console() -> Console:
    """Standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def log_warnings() -> None:
    """Have what the application logs reach a person: on standard error, and only if it matters."""
    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def say_error(sentence: str) -> None:
    """Print a sentence on standard error, in one line whatever the width."""
    error_console().print(printable(sentence), markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print `value` as JSON, times as ISO 8601."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain) + "\n")


def print_rows(
    rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str], as_json: bool, empty: str
) -> None:
    """Print rows whole as JSON, or their `columns` as a table; the sentence `empty` when there are none."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        console().print(empty, markup=False)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(as_text(row[column])) for column in columns))
    console().print(table)


def print_document(document: Mapping[str, Any]) -> None:
    """Print a document as names and values, what is unset left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in document.items():
        if value is None or value == []:
            continue
        shown = (
            json.dumps(value, indent=2, default=_plain) if isinstance(value, dict | list) else as_text(value)
        )
        table.add_row(name.replace("_", " "), Text(shown))
    console().print(table)


def confirm(question: str) -> None:
    """Go on only when a person says yes. Raises a usage error where nobody can be asked."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on; add --yes", param_hint="--yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def as_text(value: object) -> str:
    """One cell of a table: times as distances from now, lists with commas, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return ago(value)
    if isinstance(value, list | tuple):
        return printable(", ".join(str(item) for item in value))
    return printable(str(value))


def ago(moment: datetime) -> str:
    """How long ago `moment` was, or how far ahead it is, in one unit: "5 min ago", "in 2 h"."""
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
