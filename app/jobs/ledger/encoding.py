"""What the ledger's columns take: values, texts and exceptions, encoded so that both databases hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from app.jobs.errors import NotJson
from app.logs.masking import shortened, without_secrets
from app.values.typed_json import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KIB = 1024
MAX_ERROR = 2_000
MAX_TRACEBACK = 32 * KIB
#: Of an exception's arguments so many are kept, and so much of each.
MAX_EXCEPTION_ARGUMENTS = 20
MAX_EXCEPTION_ARGUMENT = 2 * KIB
#: A value's own methods may raise anything; what they raise to end a program must not end a worker's process.
RAISED_BY_METHODS = BaseException


@runtime_checkable
class StandIn(Protocol):
    """What Celery's pool passes on for an exception that cannot be pickled."""

    exc_module: str
    exc_cls_name: str
    exc_args: Sequence[Any] | None


def encode(value: Any, *, what: str = "The result", error: type[NotJson] = NotJson) -> str:
    """`value` as JSON text. Raises `error`, whatever it is that JSON cannot carry."""
    if value is None:
        return "null"
    try:
        return to_json(value)
    except RAISED_BY_METHODS as problem:
        raise error(what=what, problem=said(problem)) from problem


def text(value: str, *, limit: int = MAX_ERROR) -> str:
    """`value` as a text column takes it: no NUL, no half of a surrogate pair, and the middle left out."""
    value = shortened(without_secrets(value), most=limit, length=len(value))
    return value.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def sentence(error: Any) -> str:
    """An error for a person: its class and what it says."""
    if not isinstance(error, BaseException):
        return _shown(error, by=str)
    name, words = _name(error).rpartition(".")[2], said(error)
    return f"{name}: {words}" if words else name


def said(error: BaseException) -> str:
    """What an error says, even if it fails to say it."""
    if isinstance(error, StandIn):
        return text(", ".join(map(str, error.exc_args or ())))
    return _shown(error, by=str)


def exception(error: BaseException) -> dict[str, Any]:
    """An exception as Celery's result clients read it, of values that JSON carries with their types."""
    args: Sequence[Any] = error.args
    module: Any = type(error).__module__
    if isinstance(error, StandIn):
        args, module = error.exc_args or (), error.exc_module
    return {
        "exc_type": _name(error),
        "exc_message": [_argument(value) for value in args[:MAX_EXCEPTION_ARGUMENTS]],
        "exc_module": text(str(module)),
    }


def _name(error: BaseException) -> str:
    if isinstance(error, StandIn):
        return text(str(error.exc_cls_name))
    return text(type(error).__qualname__)


def _argument(value: Any) -> Any:
    try:
        encoded = to_json(value)
    except RAISED_BY_METHODS:
        return _shown(value, by=repr)
    if len(encoded) <= MAX_EXCEPTION_ARGUMENT:
        return from_json(encoded)
    return _shown(value, by=str if isinstance(value, str) else repr)


def _shown(value: Any, *, by: Callable[[Any], str]) -> str:
    try:
        return text(by(value))
    except RAISED_BY_METHODS as failure:
        return f"<{type(value).__name__}, of which {by.__name__}() raises {type(failure).__name__}>"
