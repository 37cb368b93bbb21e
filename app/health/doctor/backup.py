"""Checks of this host's backups, by what the program that makes them says of the last one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from app.health.doctor.finding import Finding
from app.logs.masking import excerpt
from app.settings.config import settings

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = "backup"
FIX = "Run: groundwork-backup status; it says what keeps backups from being made."
#: What says it is some hundred bytes long.
MAX_BYTES = 64 * 1024


class Status(NamedTuple):
    """When the last backup was made that went well, how old that may be, and why none was made since."""

    made_at: datetime
    most: timedelta
    failure: str | None


def backup_is_recent() -> Finding:
    """Whether the newest backup of this host is young enough, and none has failed since."""
    path = settings().backup_status
    try:
        status = _read(path)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        return Finding.problem(ABOUT, f"{path} does not say how the backups went: {excerpt(error)}", fix=FIX)
    if status is None:
        return Finding.ok(ABOUT, f"Backups of this host are not watched: there is no {path}.")
    age = _age(status)
    said = f"The newest backup of this host is {age / timedelta(hours=1):.1f} h old"
    if status.failure:
        return Finding.problem(ABOUT, f"{said}, and the last one failed: {status.failure}", fix=FIX)
    if age > status.most:
        return Finding.problem(ABOUT, f"{said}, more than {status.most / timedelta(hours=1):g} h.", fix=FIX)
    return Finding.ok(ABOUT, f"{said}.")


def age() -> timedelta | None:
    """How old the newest backup is; None where that is not known."""
    try:
        status = _read(settings().backup_status)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return None if status is None else _age(status)


def _age(status: Status) -> timedelta:
    return max(datetime.now(UTC) - status.made_at, timedelta(0))


def _read(path: Path) -> Status | None:
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(MAX_BYTES))
    except FileNotFoundError:
        return None
    made_at = datetime.fromisoformat(said["made_at"])
    if made_at.tzinfo is None:
        raise ValueError("made_at has no zone")
    failure = said.get("failure")
    return Status(
        made_at=made_at,
        most=timedelta(hours=float(said["max_age_hours"])),
        failure=None if failure is None else excerpt(failure),
    )
