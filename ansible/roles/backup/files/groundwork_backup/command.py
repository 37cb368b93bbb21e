"""The command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import announcement, configuration, manifest, postgresql
from .errors import BackupError
from .redis import Redis
from .settings import Settings
from .sqlite import Sqlite
from .store import BEFORE_RESTORE, LATEST, Part, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .configuration import Configuration

CONFIGURATION = Path("/etc/groundwork-backup.json")
#: Says why the last backup failed; there only until one succeeds.
FAILURE = ".last-failure"
RETRY = "Mend that, then run: groundwork-backup create"


def parts_of(given: Configuration) -> list[Part]:
    """What is backed up here, the broker first.

    So the ledger is never older than the messages: a row whose message is missing is published again, while a
    message whose row is missing would be dropped.
    """
    parts: list[Part] = []
    if given.redis:
        parts.append(Redis(data=given.redis))
    if given.postgresql:
        parts.append(postgresql.local(given.postgresql, cluster=given.postgresql_cluster))
    if given.database_url:
        parts.append(postgresql.by_url(given.database_url.read_text()))
    if given.sqlite:
        parts.append(Sqlite(path=given.sqlite))
    if given.settings:
        parts.append(Settings(folder=given.settings, kept=frozenset(given.settings_kept)))
    return parts


def create(given: Configuration, *, name: str | None) -> str:
    """Make a backup and forget the oldest; what was done, as a sentence.

    What a restore saves first makes none forgotten: it may be the very one that is to be restored.
    """
    store, failure = Store(folder=given.folder), given.folder / FAILURE
    try:
        with store.alone():
            made = store.create(parts_of(given), name=name, release=_release(given.release))
            gone = [] if made.name.startswith(BEFORE_RESTORE) else store.prune(keep=given.keep)
    except (BackupError, OSError) as error:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        failure.write_text(f"The last backup failed at {now}: {error} {RETRY}\n")
        announcement.failed(given, why=str(error))
        raise
    failure.unlink(missing_ok=True)
    announcement.made(given, at=made.created_at)
    size = sum(facts[0] for facts in made.files.values())
    pruned = f" Deleted {', '.join(gone)}." if gone else ""
    return f"Made the backup {made.name} ({', '.join(made.parts)}; {size} bytes).{pruned}"


def restore(given: Configuration, *, name: str, only: Sequence[str]) -> str:
    """Put the parts `only` of a backup in place of what is there, once all of it is seen to be whole."""
    store = Store(folder=given.folder)
    with store.alone():
        folder = store.resolve(name)
        known = manifest.verify(folder)
        for part in parts_of(given):
            if part.name in only and part.name in known.parts:
                part.restore(folder / part.name)
        store.note_restored(known)
    restored = ", ".join(part for part in known.parts if part in only)
    return f"Restored {restored or 'nothing'} from {known.name}, made {known.created_at} on {known.host}."


def status(given: Configuration) -> str:
    """How old the newest backup is; raises `BackupError` when that is no comfort."""
    failure = given.folder / FAILURE
    if failure.exists():
        raise BackupError(failure.read_text().strip())
    backups = Store(folder=given.folder).backups()
    if not backups:
        raise BackupError("There is no backup yet. Run: groundwork-backup create")
    age = datetime.now(UTC) - datetime.fromisoformat(backups[-1].created_at)
    hours = age / timedelta(hours=1)
    said = f"The newest of {len(backups)} backups, {backups[-1].name}, is {hours:.1f} h old"
    if hours > given.max_age_hours:
        raise BackupError(f"{said}, more than {given.max_age_hours:g} h. See why the timer did not run.")
    return f"{said}."


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="groundwork-backup", description="Backups of this Groundwork host.")
    parser.add_argument("--configuration", type=Path, default=CONFIGURATION, metavar="FILE")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("create", help="make a backup now").add_argument("--name")
    commands.add_parser("announce", help="have the service watch from now on that backups are made")
    commands.add_parser("parts", help="print what this host backs up, a line for each")
    commands.add_parser("list", help="print the manifests, the oldest first, as JSON")
    commands.add_parser("status", help="say how old the newest backup is; fail when too old")
    commands.add_parser("verify", help="compare every checksum").add_argument("name", help=f"or {LATEST}")
    restoring = commands.add_parser("restore", help="put a backup in the place of what is there")
    restoring.add_argument("name", help=f"or {LATEST}")
    restoring.add_argument("--only", action="append", choices=["redis", "database", "settings"])
    os.umask(0o077)
    try:
        print(_carry_out(parser.parse_args()))  # noqa: T201 (a command line prints)
    except (BackupError, OSError) as error:
        sys.exit(f"groundwork-backup: {error}")


def _carry_out(asked: argparse.Namespace) -> str:
    given = configuration.read(asked.configuration)
    store = Store(folder=given.folder)
    if asked.command == "create":
        return create(given, name=asked.name)
    if asked.command == "restore":
        return restore(given, name=asked.name, only=asked.only or ["redis", "database"])
    if asked.command == "announce":
        return announcement.begin(given)
    if asked.command == "verify":
        return json.dumps(_summary(manifest.verify(store.resolve(asked.name))))
    if asked.command == "parts":
        return "\n".join(part.name for part in parts_of(given))
    if asked.command == "list":
        return json.dumps([_summary(backup) for backup in store.backups()])
    return status(given)


def _summary(backup: manifest.Manifest) -> dict[str, Any]:
    return {key: value for key, value in asdict(backup).items() if key != "files"}


def _release(path: Path) -> str | None:
    try:
        found: str = json.loads(path.read_text())["id"]
    except (OSError, ValueError, KeyError):
        return None
    return found
