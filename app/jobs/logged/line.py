"""A record of `logging` as a line of a job's log: bounded and masked, whatever is wrong with the record."""

from __future__ import annotations

import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from app.jobs.ledger import retrying
from app.jobs.ledger.encoding import said
from app.jobs.ledger.seal import MASK, is_sealed, unseal
from app.logs.masking import SHORTEST_SECRET, shortened, without_secrets
from app.values.typed_json import to_json

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator, Sequence

#: Of a message so many characters, among which a traceback mostly is whole; of a longer one, both ends.
LONGEST = 4_000
#: So many are looked through for secrets: one that an end of the message cuts is among them.
LOOKED_THROUGH = 4 * LONGEST
MAX_LEVEL, MAX_NAME = 20, 200
#: What structlog says of a line besides what it is about, or what each line of the job would say again.
_SAID_ELSEWHERE = frozenset(
    {"event", "level", "logger", "timestamp", "exc_info", "stack_info", "job_id", "request_id"}
)


def encoded(record: logging.LogRecord, *, hidden: Iterable[str] = ()) -> str:
    """The record as JSON text of ASCII; what is `hidden` is masked in it."""
    message = _message(record)
    length = len(message)
    text = shortened(message, most=LOOKED_THROUGH)
    for secret in hidden:
        text = text.replace(secret, MASK)
    text = shortened(without_secrets(text), most=LONGEST, length=length)
    return to_json([time.time(), str(record.levelname)[:MAX_LEVEL], str(record.name)[:MAX_NAME], text])


def secrets_in(values: Iterable[Any]) -> list[str]:
    """The texts within arguments that are sealed, the longest first, of which another may be a part."""
    found = {text for value in values if is_sealed(value) for text in _texts(unseal(value))}
    return sorted(found, key=len, reverse=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list | tuple):
        yield from (text for inner in value for text in _texts(inner))
    elif value is not None and len(str(value)) >= SHORTEST_SECRET:
        yield str(value)


def _message(record: logging.LogRecord) -> str:
    given: Any = record.msg
    if isinstance(given, dict):
        parts = [_of_structlog(given), _traceback(given.get("exc_info"))]
    else:
        parts = [_text_of(record), _traceback(record.exc_info)]
    return "\n".join(part for part in parts if part)


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        return f"{_safe(record.msg)} ({_problem(error)})"


def _of_structlog(event: dict[str, Any]) -> str:
    details = [f"{name}={_safe(value)}" for name, value in event.items() if name not in _SAID_ELSEWHERE]
    return " ".join(part for part in [_safe(event.get("event", "")), *details] if part)


def _safe(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:
        return f"({_problem(error)})"


def _problem(error: Exception) -> str:
    """What stood in the way of showing a value; a limit of the running body is none."""
    if retrying.is_interruption(error):
        raise error
    return f"cannot be shown: {said(error)}"


def _traceback(given: Any) -> str:
    if not given:
        return ""
    if given is True:
        given = sys.exc_info()
    error: Any = given[1] if isinstance(given, tuple) and len(given) > 1 else given
    if not isinstance(error, BaseException):
        return ""
    try:
        return "".join(traceback.format_exception(error)).rstrip()
    except Exception as problem:
        return f"{type(error).__name__} ({_problem(problem)})"


def joined(lines: Sequence[str]) -> str:
    """Encoded lines as one JSON text."""
    return f"[{','.join(lines)}]"
