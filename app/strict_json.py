"""JSON without surprises: no repeated keys, NaN or endless nesting, and only what the databases can hold."""

from __future__ import annotations

import json
import math
import re
from http import HTTPStatus
from typing import Any

from app.errors import GroundworkError
from app.field_errors import FieldError, InvalidFields, pointer_of

MAX_DEPTH = 32
#: What both databases can hold.
INTEGERS = range(-(2**63), 2**63)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InvalidJson(GroundworkError):
    """Raised for a body that does not parse."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_json"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The body is not valid JSON: {problem}.")


def check(body: bytes) -> None:
    """Raise unless `body` is one JSON document, without surprises, that the databases can hold."""
    try:
        document = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise InvalidJson(problem=f"{error.msg} at {place}") from None
    except UnicodeDecodeError as error:
        raise InvalidJson(problem=f"the byte at position {error.start} is not UTF-8") from None
    except RecursionError:
        raise InvalidJson(problem=f"it is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:
        raise InvalidJson(problem="it holds a number with thousands of digits") from None
    errors = _unstorable(document)
    if errors:
        raise InvalidFields(errors)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidJson(problem=f"the key {twice[:64]!a} appears twice in one object")
    return found


def _constant(name: str) -> float:
    raise InvalidJson(problem=f"{name} is not a JSON number")


def _unstorable(document: Any) -> list[FieldError]:
    errors: list[FieldError] = []
    pending: list[tuple[tuple[int | str, ...], Any]] = [((), document)]
    while pending:
        path, value = pending.pop()
        if len(path) > MAX_DEPTH:
            raise InvalidJson(problem=f"it is nested deeper than {MAX_DEPTH} levels")
        problem = _problem_of(value)
        if problem:
            errors.append(FieldError(detail=problem, pointer=pointer_of(path)))
        if isinstance(value, dict):
            pending += [((*path, _clean(name)), found) for name, found in value.items()]
        elif isinstance(value, list):
            pending += [((*path, index), found) for index, found in enumerate(value)]
    return errors


def _problem_of(value: Any) -> str | None:
    if isinstance(value, str) and _UNSTORABLE.search(value):
        return "A string holds a NUL or half of a surrogate pair; remove it"
    if isinstance(value, dict) and any(_UNSTORABLE.search(name) for name in value):
        return "A key holds a NUL or half of a surrogate pair; remove it"
    if isinstance(value, int) and value not in INTEGERS:
        return "The number does not fit 64 bits"
    if isinstance(value, float) and math.isinf(value):
        return "The number is too large"
    return None


def _clean(name: str) -> str:
    return _UNSTORABLE.sub("?", name)
