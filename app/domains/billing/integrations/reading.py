"""Reads the JSON of an answer, which may be anything at all, into an object or `MalformedAnswer`."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations.errors import MalformedAnswer
from app.logs.masking import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domains.billing.integrations.calling import Operation

#: Calendars nest five levels deep.
MAX_DEPTH = 32
#: So many digits Python reads as a whole number in no time.
MAX_DIGITS = 30
#: Microsoft's are URLs of up to some thousand characters.
MAX_PAGE_TOKEN = 16_384
#: What may be sent as a token: what a header takes.
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def object_of(body: bytes, *, operation: Operation) -> dict[str, Any]:
    """The object that `body` is. Raises `MalformedAnswer`."""
    try:
        # Always UTF-8: left to itself, `json` would guess.
        told = json.loads(body.decode(), parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise operation.malformed(f"it is not JSON ({type(error).__name__})") from None
    if not isinstance(told, dict):
        raise operation.malformed("it is not an object")
    if _is_deeper(told, than=MAX_DEPTH):
        raise operation.malformed(f"it is nested deeper than {MAX_DEPTH} levels")
    return told


def object_or_none(body: bytes, *, operation: Operation) -> dict[str, Any]:
    """As `object_of`, of an answer that says no anyway: empty where it cannot be read."""
    try:
        return object_of(body, operation=operation)
    except MalformedAnswer:
        return {}


def member(answer: Mapping[str, Any], name: str, kind: type[Any], *, operation: Operation) -> Any:
    """The member of an answer without which the rest says nothing. Raises `MalformedAnswer`."""
    value = answer.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise operation.malformed(f'its member "{name}" is missing or not a {kind.__name__}')
    return value


def token(answer: Mapping[str, Any], name: str, *, operation: Operation) -> str:
    """A secret that is to be sent back as it is. Raises `MalformedAnswer`, which does not show it."""
    value = answer.get(name)
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise operation.malformed(f'its member "{name}" is not a token')
    return value


def optional_token(answer: Mapping[str, Any], name: str, *, operation: Operation) -> str | None:
    """As `token`, where there may be none."""
    return None if answer.get(name) is None else token(answer, name, operation=operation)


def page_token(answer: Mapping[str, Any], name: str, *, operation: Operation) -> str | None:
    """What is to be sent back to go on; None where there is none. Raises `MalformedAnswer`."""
    value = answer.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PAGE_TOKEN or not value.isprintable():
        raise operation.malformed(f'its member "{name}" is not a token')
    return value


def code_of(given: object) -> str | None:
    """A provider's code for an error; None for what cannot be one."""
    is_code = isinstance(given, str) and _CODE.fullmatch(given) and excerpt(given) == given
    return str(given) if is_code else None


def mapping_in(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within; an empty one where there is none."""
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _whole(digits: str) -> int | float:
    # What is longer is no number that anybody means, and takes a square of its length to read.
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf


def _is_deeper(document: Any, *, than: int) -> bool:
    """Level by level: what is as deep as it likes would end the stack of whoever calls itself."""
    level = [document]
    for _ in range(than):
        level = [child for value in level for child in _children(value)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    within = value.values() if isinstance(value, dict) else value
    return [child for child in within if isinstance(child, dict | list)]
