"""The partition of a job: all that have its key share the limits of their task."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.db.encryption import signing_keys
from app.jobs.declaration import registry
from app.jobs.declaration.admission import Limits, Rate
from app.jobs.ledger.seal import unseal
from app.values.typed_json import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.jobs.declaration.registry import TaskSpec

SEPARATOR = ":"
#: No task's name is empty, so that the keys of tasks begin otherwise.
_PACED = re.compile(f"{SEPARATOR}([0-9]+){SEPARATOR}")
MINUTE = timedelta(minutes=1)


def key_of(spec: TaskSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The key of a job of a limited task. It is short whatever the argument is, and tells nothing of it."""
    name = spec.limits.partition_by if spec.limits else None
    if name is None:
        return spec.name + SEPARATOR
    text = _text(unseal(spec.in_full(args, kwargs)[name]))
    digest = hmac.new(signing_keys("partition")[0], text.encode(errors="surrogatepass"), hashlib.sha256)
    return f"{spec.name}{SEPARATOR}{digest.hexdigest()}"


def _text(value: Any) -> str:
    """A number or an id is the same whether it comes as such or as text."""
    return str(value) if isinstance(value, str | int | UUID) else to_json(value)


def paced(name: str, *, per_minute: int) -> str:
    """The key of jobs of any task that call what is called `name`; it says how many may in a minute."""
    return f"{SEPARATOR}{per_minute}{SEPARATOR}{name}"


def limits_of(key: str) -> Limits | None:
    """What holds for jobs of that key. Raises `UnknownTask` for a task that only a newer release knows."""
    task, _, _ = key.rpartition(SEPARATOR)
    found = _PACED.match(key)
    if found:
        return Limits(rate=Rate(count=int(found[1]), per=MINUTE))
    return registry.spec_of(task).limits
