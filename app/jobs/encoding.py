"""What the ledger's columns take: values, texts and exceptions, encoded so that both databases hold them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from celery.utils.serialization import UnpickleableExceptionWrapper
from kombu.utils.json import JSONEncoder, loads

from app.jobs.errors import NotJson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KIB = 1024
MAX_ERROR = 2_000
MAX_TRACEBACK = 32 * KIB
#: Of an exception's arguments so many are kept, and so much of each.
MAX_EXCEPTION_ARGUMENTS = 20
MAX_EXCEPTION_ARGUMENT = 2 * KIB
#: What lies deeper in a value is kept, and not shown.
MAX_SHOWN_DEPTH = 64

#: kombu's JSON, which knows dates, decimals and the like; made once, because making it is what costs.
_ENCODE: Callable[[Any], str] = JSONEncoder(allow_nan=False).encode


def encode(value: Any, *, what: str = "The result") -> str:
    """`value` as JSON text. Raises `NotJson`, whatever it is that JSON cannot carry."""
    if value is None:
        return "null"
    try:
        return _ENCODE(value)
    except Exception as error:  # a value's own methods may raise anything
        raise NotJson(what=what, problem=said(error)) from error


def text(value: str, *, limit: int = MAX_ERROR) -> str:
    """`value` as a text column takes it: no NUL, no half of a surrogate pair, and the middle left out."""
    if len(value) > limit:
        half, left_out = limit // 2, len(value) - limit
        value = f"{value[:half]} ... {left_out} characters left out ... {value[-half:]}"
    return value.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def presentable(value: Any, *, depth: int = 0) -> Any:
    """A kept value as an answer can carry it: UTF-8 has no halves of pairs, JSON no NaN, a reader limits."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if not isinstance(value, dict | list):
        return value
    if depth >= MAX_SHOWN_DEPTH:
        return "..."
    if isinstance(value, list):
        return [presentable(inner, depth=depth + 1) for inner in value]
    return {presentable(name): presentable(inner, depth=depth + 1) for name, inner in value.items()}


def sentence(error: Any) -> str:
    """An error for a person: its class and what it says."""
    if not isinstance(error, BaseException):
        return _shown(error, by=str)
    name, words = _name(error).rpartition(".")[2], said(error)
    return f"{name}: {words}" if words else name


def said(error: BaseException) -> str:
    """What an error says, even if it fails to say it."""
    if isinstance(error, UnpickleableExceptionWrapper):
        return text(", ".join(map(str, error.exc_args or ())))
    return _shown(error, by=str)


def exception(error: BaseException) -> dict[str, Any]:
    """An exception as Celery's result clients read it, of plain values; `arguments` reads what it holds."""
    args: Sequence[Any] = error.args
    module: Any = type(error).__module__
    if isinstance(error, UnpickleableExceptionWrapper):
        args, module = error.exc_args or (), error.exc_module
    return {
        "exc_type": _name(error),
        "exc_message": [_argument(value) for value in args[:MAX_EXCEPTION_ARGUMENTS]],
        "exc_module": text(str(module)),
    }


def arguments(kept: Any) -> Any:
    """The arguments that `exception` made plain, with their types."""
    try:
        return loads(json.dumps(kept))
    except Exception:  # an older row, or one of a type that is known elsewhere
        return kept


def _name(error: BaseException) -> str:
    if isinstance(error, UnpickleableExceptionWrapper):
        return text(str(error.exc_cls_name))
    return text(type(error).__qualname__)


def _argument(value: Any) -> Any:
    try:
        encoded = _ENCODE(value)
    except Exception:  # a value's own methods may raise anything
        return _shown(value, by=repr)
    if len(encoded) <= MAX_EXCEPTION_ARGUMENT:
        return json.loads(encoded)
    return _shown(value, by=str if isinstance(value, str) else repr)


def _shown(value: Any, *, by: Callable[[Any], str]) -> str:
    try:
        return text(by(value))
    except Exception as failure:  # a method of its own, which may raise anything
        return f"<{type(value).__name__}, of which {by.__name__}() raises {type(failure).__name__}>"
