"""The folder of backups: one folder each, complete or not there."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from . import manifest
from .errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .manifest import Manifest

#: A folder that begins so is being made, or was when somebody pulled the plug.
INCOMPLETE = ".incomplete-"
LATEST = "latest"
#: What a restore saves first; it holds what was to be replaced.
BEFORE_RESTORE = "before-restore-"
#: When the newest backup of another host was made that was restored here.
RESTORED = ".restored"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Part(Protocol):
    """Something that is saved and restored."""

    @property
    def name(self) -> str:
        """The folder it has in a backup."""

    def save(self, folder: Path) -> None:
        """Write it into `folder`, which is not there yet."""

    def restore(self, folder: Path) -> None:
        """Put what is in `folder` in the place of what is there."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """Where the backups of this host are."""

    folder: Path

    def backups(self) -> list[Manifest]:
        """All complete backups, the oldest first."""
        found = [manifest.read(path.parent) for path in self.folder.glob(f"[!.]*/{manifest.NAME}")]
        return sorted(found, key=lambda backup: (backup.created_at, backup.name))

    def resolve(self, name: str) -> Path:
        """The folder of the backup `name`, or of the newest that no restore has made."""
        names = [backup.name for backup in self.backups()]
        wanted = self._latest() if name == LATEST else name
        if wanted in names:
            return self.folder / wanted
        there = ", ".join(names[-5:]) if names else "none yet; make one: groundwork-backup create"
        raise BackupError(f"There is no backup {name} in {self.folder}. There are: {there}.")

    def note_restored(self, backup: Manifest) -> None:
        """From now on, what this host saves holds what was in that backup."""
        if backup.host != socket.gethostname():
            (self.folder / RESTORED).write_text(max(self._restored(), backup.created_at))

    def create(self, parts: Sequence[Part], *, name: str | None, release: str | None) -> Manifest:
        """Save all parts, in their order; nothing is left of a backup that fails."""
        if not parts:
            raise BackupError("Nothing is set to be backed up on this host. Set backup_database or its like.")
        now = datetime.now(UTC)
        name = name or self._fresh_name(now)
        if not NAME.fullmatch(name) or name == LATEST:
            raise BackupError(f"{name} cannot be the name of a backup. Use letters, digits, dots and dashes.")
        if (self.folder / name).exists():
            raise BackupError(f"There is a backup {name} in {self.folder} already. Choose another name.")
        self._sweep()
        fresh = self.folder / f"{INCOMPLETE}{name}"
        fresh.mkdir(mode=0o700)
        try:
            for part in parts:
                part.save(fresh / part.name)
            made = manifest.Manifest(
                name=name,
                host=socket.gethostname(),
                created_at=now.isoformat(timespec="microseconds"),
                release=release,
                parts=[part.name for part in parts],
            )
            manifest.write(fresh, made)
            fresh.rename(self.folder / name)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return manifest.read(self.folder / name)

    def prune(self, *, keep: int) -> list[str]:
        """Delete the oldest backups of this host beyond `keep`; their names."""
        own = [backup.name for backup in self.backups() if backup.host == socket.gethostname()]
        gone = own[:-keep]
        for name in gone:
            # Renamed first: a deletion that is cut short must not look like a backup.
            doomed = self.folder / f"{INCOMPLETE}{name}"
            (self.folder / name).rename(doomed)
            shutil.rmtree(doomed)
        return gone

    def _latest(self) -> str | None:
        """The newest, if there is no doubt: a blank host's own is newer than what it is to become."""
        found = [backup for backup in self.backups() if not backup.name.startswith(BEFORE_RESTORE)]
        own = [backup for backup in found if backup.host == socket.gethostname()]
        others = [one for one in found if one not in own and one.created_at > self._restored()]
        if own and others:
            raise BackupError(
                f"Which backup is meant by {LATEST}? {others[-1].name} was made on {others[-1].host} and was "
                f"never restored here, and {own[-1].name} was made on this host. Give the name of one."
            )
        return found[-1].name if found else None

    def _restored(self) -> str:
        noted = self.folder / RESTORED
        return noted.read_text() if noted.exists() else ""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Refuse to work while another does."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise BackupError(f"Another backup or restore works in {self.folder}. Wait for it.") from None
        finally:
            os.close(handle)

    def _fresh_name(self, now: datetime) -> str:
        """After the minute: backups of several hosts, made at one time, have one name."""
        minute = now.strftime("%Y%m%dT%H%MZ")
        names = itertools.chain([minute], (f"{minute}-{number}" for number in itertools.count(2)))
        return next(name for name in names if not (self.folder / name).exists())

    def _sweep(self) -> None:
        for leftover in self.folder.glob(f"{INCOMPLETE}*"):
            shutil.rmtree(leftover)
