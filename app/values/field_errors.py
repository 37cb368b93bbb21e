"""The mistakes in what somebody sent: which field, where it is, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence


#: An answer names no more mistakes than this; whoever mends them is told how many more there are.
MAX_ERRORS = 20
#: Of a pointer, a parameter or a sentence no more is repeated than this.
MAX_REPEATED = 300
#: The type of an error of pydantic that stands for others, as many as `count` in its context.
UNLISTED = "unlisted"


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One mistake in a request and where it is: in the body, the query or the path, or a header."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None

    def as_json(self) -> dict[str, str]:
        """The members that are set; the pointer in the form of a URI fragment."""
        found = {"detail": self.detail, "parameter": self.parameter, "header": self.header}
        if self.pointer is not None:
            found["pointer"] = "#" + quote(_cut(self.pointer), safe="/~")
        return {name: _cut(value) for name, value in found.items() if value is not None}


class InvalidFields(InvalidInput):
    """Raised when parts of a request cannot be used; names the first of them, and counts the others.

    `more` are mistakes that were counted already.
    """

    def __init__(self, errors: Sequence[FieldError], *, more: int = 0) -> None:
        self.errors = tuple(errors[:MAX_ERRORS])
        self.more = len(errors) - len(self.errors) + more
        super().__init__(_summary(self.errors, more=len(self.errors) - 1 + self.more))


def _summary(errors: Sequence[FieldError], *, more: int) -> str:
    first = errors[0]
    where = first.parameter or first.header or (first.pointer or "").lstrip("/") or "body"
    return f"{_cut(where)}: {_cut(first.detail)}" + (f" (and {more} more)" if more else "")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_REPEATED else text[:MAX_REPEATED] + "…"


def pointer_of(path: Sequence[int | str]) -> str:
    """The JSON pointer (RFC 6901) of a path into a document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def field_errors(errors: Sequence[Any], *, within: str = "") -> list[FieldError]:
    """Pydantic's errors, their places as JSON pointers that begin with `within`; no input is repeated."""
    return [
        FieldError(detail=problem["msg"], pointer=within + pointer_of(problem["loc"]))
        for problem in listed(errors)
    ]


def listed(errors: Sequence[Any]) -> list[Any]:
    """Pydantic's errors without those that stand for others."""
    return [problem for problem in errors if problem["type"] != UNLISTED]


def count_unlisted(errors: Sequence[Any]) -> int:
    """How many errors of pydantic were found and are not in its list."""
    return sum(problem["ctx"]["count"] for problem in errors if problem["type"] == UNLISTED)
