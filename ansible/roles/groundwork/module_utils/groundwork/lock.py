"""The lock of a host: one file that names who deploys to it, changed by one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.files import folder
from ansible.module_utils.groundwork.paths import BEFORE, LOCK, STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What tells one run of a playbook from all others.
KEY = ("controller", "boot", "pid", "started")
#: Above what the longest step takes: a migration.
WORK_SECONDS = 900


def acquire(mine: dict[str, Any], *, stale_holder: dict[str, Any] | None) -> dict[str, Any] | None:
    """Take the lock; who has it if that is somebody else. `stale_holder` is a holder known to be gone."""
    folder(STATE)
    with _alone():
        holder = read()
        if holder and _key(holder) != _key(mine) and (not stale_holder or _key(holder) != _key(stale_holder)):
            return holder
        if not holder or _key(holder) != _key(mine):
            beside = LOCK.with_name(f".{LOCK.name}.new")
            beside.write_text(json.dumps(mine, indent=2) + "\n")
            beside.rename(LOCK)
        return None


def release(mine: dict[str, Any]) -> bool:
    """Release the lock if it is ours, and forget what was saved for a rollback; whether it was ours."""
    if not STATE.is_dir():
        return False
    with _alone():
        holder = read()
        if not holder or _key(holder) != _key(mine):
            return False
        BEFORE.unlink(missing_ok=True)
        LOCK.unlink()
        return True


@contextmanager
def work_lock() -> Iterator[None]:
    """Held while work on the host goes on: a killed controller may have left some that still does."""
    folder(STATE)
    descriptor = os.open(STATE / "lock.work", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + WORK_SECONDS
    try:
        while not _locked(descriptor):
            if time.monotonic() > until:
                raise Failure(
                    f"What an earlier deploy started on this host still runs after {WORK_SECONDS} s."
                )
            time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)


def read() -> dict[str, Any] | None:
    """Who holds the lock. One that cannot be read is nobody's: it was never written whole."""
    try:
        holder = json.loads(LOCK.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return holder if isinstance(holder, dict) else None


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _key(holder: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(holder.get(name) for name in KEY)


@contextmanager
def _alone() -> Iterator[None]:
    descriptor = os.open(STATE, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
