"""What the page of the audit logs shows, and what it is asked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pydantic import ValidationError

from app.console.places import AUDIT
from app.console.questions import looking
from app.domains.audit import schemas, search
from app.domains.audit.models import Login, Operation
from app.errors import InvalidInput
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domains.audit.search import LogPage

OPERATIONS, LOGINS = "operations", "logins"
_LOGS: dict[str, tuple[Any, type[schemas.OperationQuery | schemas.LoginQuery]]] = {
    OPERATIONS: (Operation, schemas.OperationQuery),
    LOGINS: (Login, schemas.LoginQuery),
}
#: By which the page narrows each log.
FILTERS = {
    OPERATIONS: ("user", "path", "status", "code", "after", "before"),
    LOGINS: ("user", "status", "address", "after", "before"),
}
#: As browsers send a time that was chosen: without seconds that are none, and without a zone.
_CHOSEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
PAGE = 50


class UnknownLog(InvalidInput):
    """Raised for a log that there is not."""

    code = "unknown_log"

    def __init__(self) -> None:
        super().__init__(f"There are two logs: {OPERATIONS} and {LOGINS}. Choose one of them.")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which rows somebody wants to see."""

    log: str
    #: What was typed, by the names of fields.
    typed: Mapping[str, str]
    query: schemas.OperationQuery | schemas.LoginQuery

    def place(self, **changes: str | None) -> str:
        """The page with something else asked."""
        wanted = {"log": self.log, **self.typed, **changes}
        return f"{AUDIT}?{urlencode({name: value for name, value in wanted.items() if value})}"


def asked(parameters: Mapping[str, str]) -> Asked:
    """What the query of a page asks for. Raises `UnknownLog` or `InvalidFields`."""
    given = {name: value for name, value in parameters.items() if value}
    log = given.pop("log", OPERATIONS)
    if log not in _LOGS:
        raise UnknownLog
    typed = {name: value for name, value in given.items() if name != "cursor"}
    wanted = {
        name: _with_zone(value) if name in ("after", "before") else value for name, value in given.items()
    }
    unknown = given.keys() - {*FILTERS[log], "cursor"}
    if unknown:
        raise InvalidFields(
            [_error(name, f"the log of {log} has no such filter") for name in sorted(unknown)]
        )
    try:
        query = _LOGS[log][1].model_validate({**wanted, "limit": PAGE})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidFields([_error(str(one["loc"][0]), one["msg"]) for one in problems]) from None
    return Asked(log=log, typed=typed, query=query)


def look(wanted: Asked, *, only_user: int | None) -> LogPage:
    """The newest rows that fit, or those before the cursor; of one person, where that is given."""
    table, query = _LOGS[wanted.log][0], wanted.query
    with looking() as session:
        return search.page(
            session, table, filters=query, only_user=only_user, limit=query.limit, cursor=query.cursor
        )


def document(arguments: object) -> str:
    """What belongs to a request, for people to read."""
    return json.dumps(arguments, ensure_ascii=False, indent=1, default=str)


def _with_zone(text: str) -> str:
    found = _CHOSEN.fullmatch(text)
    return text if found is None else f"{text}{'' if found[1] else ':00'}Z"


def _error(name: str, detail: str) -> FieldError:
    return FieldError(detail=detail, parameter=name[:100])
