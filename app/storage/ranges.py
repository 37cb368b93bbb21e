"""Which part of a file a request asks for. Source: RFC 9110, sections 13 and 14."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Several ranges in one request are answered with the whole file, as they may be.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class NotSatisfiable(Exception):
    """Raised for a range that begins behind the end of the file."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of a file: its first byte, and how many there are."""

    start: int
    length: int


def wanted(headers: Mapping[str, str], *, size: int, etag: str) -> Span | None:
    """The part that is asked for; None for the whole. Raises `NotSatisfiable`."""
    asked = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if asked is None or headers.get("if-range", etag) != etag or not any(asked.groups()):
        return None
    first, last = asked.groups()
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        length = min(int(last or size), size - 1) - start + 1
        if last and int(last) < start:
            return None
    if length <= 0:
        raise NotSatisfiable
    return Span(start=start, length=length)
