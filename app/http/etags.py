"""Whether a caller has something already. Source: RFC 9110, section 13.1.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_known(headers: Mapping[str, str], *, etag: str) -> bool:
    """Whether the caller has what is tagged so."""
    known = [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known
