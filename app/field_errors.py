"""The mistakes in what somebody sent: which field, where it is, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence


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
            found["pointer"] = "#" + quote(self.pointer, safe="/~")
        return {name: value for name, value in found.items() if value is not None}


class InvalidFields(InvalidInput):
    """Raised when parts of a request cannot be used; names each of them."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(_summary(self.errors))


def _summary(errors: Sequence[FieldError]) -> str:
    first = errors[0]
    where = first.parameter or first.header or (first.pointer or "").lstrip("/") or "body"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {first.detail}{more}"


def pointer_of(path: Sequence[int | str]) -> str:
    """The JSON pointer (RFC 6901) of a path into a document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def field_errors(errors: Sequence[Any], *, within: str = "") -> list[FieldError]:
    """Pydantic's errors, their places as JSON pointers that begin with `within`; no input is repeated."""
    return [
        FieldError(detail=problem["msg"], pointer=within + pointer_of(problem["loc"])) for problem in errors
    ]
