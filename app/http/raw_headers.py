"""Headers as ASGI has them: names in lower case, read by a look along the few that there are.

Starlette's `Headers` decodes and compares them anew for each question, which on the way of every request
costs more than the answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Scope


def header(scope: Scope, name: bytes) -> str | None:
    """The first header called `name`; None without one."""
    for found, value in scope["headers"]:
        if found == name:
            return str(value, "latin-1")
    return None


def header_of_answer(message: Message, name: bytes) -> bytes | None:
    """The same of an answer, whose names may be in any case."""
    for found, value in message.get("headers", ()):
        if found.lower() == name:
            return bytes(value)
    return None
