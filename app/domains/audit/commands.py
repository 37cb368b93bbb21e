"""What the commands of `groundwork audit` do."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer
from pydantic import ValidationError

from app.domains.audit import schemas, search
from app.domains.audit.export import csv_of
from app.domains.audit.models import Login, Operation

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from app.domains.audit.search import Table
    from app.values.row_views import RowView

STANDARD_OUTPUT = Path("-")
#: By the name of a log: its table, what it is searched by, what is shown of it.
LOGS: dict[str, tuple[Table, type[schemas.LogFilter], type[RowView]]] = {
    "operations": (Operation, schemas.OperationFilter, schemas.OperationView),
    "logins": (Login, schemas.LoginFilter, schemas.LoginView),
}


def filters(log: str, *, since: timedelta | None, **given: str | None) -> schemas.LogFilter:
    """The filter that the options are. Raises a usage error for what is none of this log."""
    wanted: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if since is not None:
        wanted["after"] = (datetime.now(UTC) - since).isoformat()
    try:
        return LOGS[log][1].model_validate(wanted)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        option = f"--{problem['loc'][0]}".replace("_", "-")
        detail = f"the {log} have none" if problem["type"] == "extra_forbidden" else problem["msg"]
        raise typer.BadParameter(detail, param_hint=option) from None


def shown(log: str, *, filters: schemas.LogFilter, limit: int) -> list[dict[str, Any]]:
    """The newest records that fit, for a table or as JSON."""
    table, _, view = LOGS[log]
    rows = chain.from_iterable(search.records(table, filters=filters, limit=limit))
    return [{**view.model_validate(row).model_dump(), "id": str(row.id)} for row in rows]


def export(log: str, *, filters: schemas.LogFilter, limit: int, to: Path) -> None:
    """Write the newest records that fit as CSV."""
    table, _, view = LOGS[log]
    try:
        with _opened(to) as file:
            for part in csv_of(view, search.records(table, filters=filters, limit=limit)):
                file.write(part)
    except OSError as error:
        raise typer.BadParameter(f"{to} cannot be written: {error.strerror}", param_hint="--to") from None


def _opened(to: Path) -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdout) if to == STANDARD_OUTPUT else to.open("w", encoding="utf-8", newline="")
