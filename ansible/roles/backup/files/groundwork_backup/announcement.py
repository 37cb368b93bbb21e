"""What the service is told of the backups, which it cannot see: they are closed to all but root."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .configuration import Configuration

#: It holds nothing but times and a sentence.
READABLE_BY_ALL = 0o644


def begin(given: Configuration) -> str:
    """Let the time run from now on, unless it does; what was done, as a sentence."""
    known = _read(given)
    wanted = {"max_age_hours": given.max_age_hours}
    if known.keys() >= {"made_at", *wanted} and known["max_age_hours"] == given.max_age_hours:
        return "The service watches the backups already."
    _write(given, {"made_at": _now(), "failure": None} | known | wanted)
    return "The service watches the backups from now on."


def made(given: Configuration, *, at: str) -> None:
    """Tell that a backup was made."""
    _write(given, {"made_at": at, "max_age_hours": given.max_age_hours, "failure": None})


def failed(given: Configuration, *, why: str) -> None:
    """Tell that one was not."""
    known = {"made_at": _now()} | _read(given)
    _write(given, known | {"max_age_hours": given.max_age_hours, "failure": why})


def _read(given: Configuration) -> dict[str, Any]:
    try:
        found = json.loads(given.status.read_text()) if given.status else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(given: Configuration, said: dict[str, Any]) -> None:
    if given.status is None:
        return
    # Whole or not at all, whenever it is read.
    fresh = given.status.with_name(f".{given.status.name}")
    fresh.write_text(json.dumps(said) + "\n")
    fresh.chmod(READABLE_BY_ALL)
    fresh.replace(given.status)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
