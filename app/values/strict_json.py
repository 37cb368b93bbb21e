"""JSON without surprises: no repeated keys, NaN or endless nesting, and only what the databases can hold."""

from __future__ import annotations

import json
import math
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.errors import GroundworkError
from app.values.field_errors import MAX_ERRORS, FieldError, InvalidFields, pointer_of
from app.values.row_ids import MAX_BIGINT

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 32
#: What both databases can hold.
INTEGERS = range(-MAX_BIGINT - 1, MAX_BIGINT + 1)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InvalidJson(GroundworkError):
    """Raised for a body that does not parse."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_json"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"The body is not valid JSON: {problem}.")
        self.problem = problem


def parsed(body: bytes) -> Any:
    """The JSON document that `body` is. Raises unless it is one, without surprises, that can be stored.

    Strangers' bodies come here: whatever is done must take a time that grows with the body alone.
    """
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
    found = _Unstorable()
    found.look(document)
    if found.errors:
        raise InvalidFields(found.errors, more=found.more)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidJson(problem=f"the key {_repeated(pairs)[:64]!a} appears twice in one object")
    return found


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    return next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def _constant(name: str) -> float:
    raise InvalidJson(problem=f"{name} is not a JSON number")


class _Unstorable:
    """The values of a document that no database can hold: the first of them, and how many more there are."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        self.more = 0
        self._path: list[int | str] = []

    def look(self, value: Any) -> None:
        """Look at `value` and all that is in it."""
        kind = type(value)
        if kind is list:
            self._look_into(enumerate(value))
        elif kind is dict:
            if any(map(_UNSTORABLE.search, value)):
                self._note("A key holds a NUL or half of a surrogate pair; remove it")
            self._look_into(value.items())
        elif problem := _problem_of(value):
            self._note(problem)

    def _look_into(self, members: Iterable[tuple[int | str, Any]]) -> None:
        path = self._path
        if len(path) >= MAX_DEPTH:
            raise InvalidJson(problem=f"it is nested deeper than {MAX_DEPTH} levels")
        path.append("")
        for place, value in members:
            # What is empty, zero or true needs no second look, and of those there can be most.
            if value and value is not True:
                path[-1] = place
                self.look(value)
        path.pop()

    def _note(self, problem: str) -> None:
        if len(self.errors) >= MAX_ERRORS:
            self.more += 1
            return
        path = [_UNSTORABLE.sub("?", place) if isinstance(place, str) else place for place in self._path]
        self.errors.append(FieldError(detail=problem, pointer=pointer_of(path)))


def _problem_of(value: Any) -> str | None:
    kind = type(value)
    if kind is str:
        if _UNSTORABLE.search(value):
            return "A string holds a NUL or half of a surrogate pair; remove it"
    elif kind is int:
        if value not in INTEGERS:
            return "The number does not fit 64 bits"
    elif kind is float and math.isinf(value):
        return "The number is too large"
    return None
