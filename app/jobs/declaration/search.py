"""What a task declares by which its jobs are found: the values of some of its arguments.

Kept is a keyed hash, which tells nothing of the value and is as short for any. A number is the same as the
text that writes it, for whoever looks types text.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal
from inspect import Parameter
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from app.db.encryption import signing_keys
from app.jobs.declaration import registry
from app.jobs.errors import UnusableSearch, shown
from app.values.field_errors import FieldError, InvalidFields
from app.values.nearest import did_you_mean
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from app.jobs.declaration.registry import TaskSpec

#: Each key is a row beside the job's own.
MAX_KEYS = 8
#: Characters of a value. A longer one is no key: nobody types it.
MAX_VALUE = 1_000
#: A number of more bits is no key: to write it takes longer than to accept its job.
MAX_BITS = 1_024
#: Below it, each whole number is a float of its own.
WHOLE = 2**53
SEPARATOR = ":"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
#: Of 256 bits, half tell values apart as well.
_HASH_LENGTH = 32
_NO_VALUE = (None, Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class Asked(NamedTuple):
    """A key that somebody looks for: its hashes are those under each of the secret keys."""

    name: str
    hashes: Sequence[str]


def declared(
    *, task: str, parameters: Sequence[Parameter], durable: bool, sensitive: Collection[str], names: object
) -> tuple[str, ...]:
    """The arguments that `search` names. Raises `UnusableSearch` at import."""
    if not isinstance(names, list | tuple | set | frozenset) or not all(
        isinstance(one, str) for one in names
    ):
        problem = f'declares search={shown(names)}: give the names of arguments, such as ("order_id",)'
        raise UnusableSearch(task=task, problem=problem)
    found = tuple(dict.fromkeys(names))
    if found and not durable:
        raise UnusableSearch(task=task, problem="is not durable, and only the ledger's jobs are found")
    if len(found) > MAX_KEYS:
        raise UnusableSearch(task=task, problem=f"declares {len(found)} search keys, and may have {MAX_KEYS}")
    kinds = {each.name: each.kind for each in parameters}
    for name in found:
        if not _NAME.fullmatch(name) or kinds.get(name, _otherwise(kinds)) in _NO_VALUE:
            problem = f"declares search={shown(names)}: it takes no argument {shown(name)}"
            raise UnusableSearch(task=task, problem=f"{problem} ({', '.join(kinds) or 'none'})")
        if name in sensitive:
            problem = f"declares {shown(name)} as sensitive: a key would tell that two are the same"
            raise UnusableSearch(task=task, problem=problem)
    return found


def _otherwise(kinds: Mapping[str, object]) -> object:
    """What an argument is that is not among the parameters."""
    return Parameter.KEYWORD_ONLY if Parameter.VAR_KEYWORD in kinds.values() else None


def keys_of(spec: TaskSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The keys of a job, names and hashes. Raises TypeError where the arguments do not fit."""
    given = spec.named(args, kwargs)
    texts = ((name, _text(given.get(name))) for name in spec.search)
    [key, *_] = signing_keys(_PURPOSE)
    return tuple((name, _hash(name, text, key=key)) for name, text in texts if text is not None)


def names() -> list[str]:
    """Those that tasks declare."""
    return sorted({name for spec in registry.tasks().values() for name in spec.search})


def read(written: str) -> Asked:
    """The key in a text such as `order_id:123`. Raises `InvalidFields`, which says what is wrong with it."""
    name, separator, value = written.partition(SEPARATOR)
    if not separator or not value:
        raise _unusable(f"{quoted(written)} is no search key: write its name and its value, as order_id:123")
    known = names()
    if name not in known:
        listed = ", ".join(known) or "none"
        hint = f"{did_you_mean(name, known)} Declared are: {listed}".lstrip()
        raise _unusable(f"No task declares the search key {quoted(name)}. {hint}")
    if len(value) > MAX_VALUE:
        raise _unusable(f"The value has {len(value):,} characters; give one of {MAX_VALUE:,} at most")
    text = unicodedata.normalize("NFC", value)
    return Asked(name, [_hash(name, text, key=key) for key in signing_keys(_PURPOSE)])


_PURPOSE = "search key"


def _unusable(detail: str) -> InvalidFields:
    return InvalidFields([FieldError(detail=detail, parameter="key")])


def _hash(name: str, text: str, *, key: bytes) -> str:
    message = f"{name}{SEPARATOR}{text}".encode(errors="surrogatepass")
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:_HASH_LENGTH]


def _text(value: Any) -> str | None:
    """The value as a key has it; None for one that is none."""
    text = unicodedata.normalize("NFC", _typed(value))
    return text if 0 < len(text) <= MAX_VALUE else None


def _typed(value: Any) -> str:
    """How somebody types the value who looks for it; empty for what is nested, or nothing."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            # Not what a class of its own makes of it.
            return str.__str__(value)
        case int() | float() | Decimal():
            return _number(value)
        case UUID():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return ""


def _number(value: float | Decimal) -> str:
    if isinstance(value, int):
        return str(int(value)) if value.bit_length() <= MAX_BITS else ""
    if isinstance(value, Decimal) and value.is_snan():
        return ""
    if not math.isfinite(value):
        return ""
    # 3.0 is what some write for 3.
    is_whole = -WHOLE < value < WHOLE and value == int(value)
    return str(int(value)) if is_whole else str(value)
