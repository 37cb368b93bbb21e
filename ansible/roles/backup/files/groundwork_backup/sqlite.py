"""A ledger in a SQLite file."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "groundwork.db"
BUSY_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Sqlite:
    """A SQLite database by its file."""

    path: Path
    name: str = "database"

    def save(self, folder: Path) -> None:
        """Copy the database while others use it: SQLite's online backup, in one read transaction."""
        folder.mkdir(mode=0o700)
        if not self.path.is_file():
            raise BackupError(f"There is no database {self.path}. Run: groundwork migrate")
        with (
            closing(sqlite3.connect(f"file:{self.path}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as source,
            closing(sqlite3.connect(folder / FILE)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            problem = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if problem != "ok":
            raise BackupError(f"The database {self.path} is damaged: {problem}. Restore a good backup.")

    def restore(self, folder: Path) -> None:
        """Put the copy in place of what is there. Nothing may have it open."""
        owner = (self.path if self.path.exists() else self.path.parent).stat()
        fresh = self.path.with_name(f"{self.path.name}.restoring")
        shutil.copyfile(folder / FILE, fresh)
        os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.chmod(0o600)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        fresh.replace(self.path)
