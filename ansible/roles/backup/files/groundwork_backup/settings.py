"""The settings and credentials of the host."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The folder with the env files and the credentials."""

    folder: Path
    name: str = "settings"

    def save(self, folder: Path) -> None:
        """Copy all files, closed to everybody else."""
        if not self.folder.is_dir():
            raise BackupError(f"There is no folder {self.folder}. Deploy first.")
        shutil.copytree(self.folder, folder, copy_function=shutil.copyfile)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)

    def restore(self, folder: Path) -> None:
        """Put the files back beside those that came later; the service may read, only root may write."""
        group = self.folder.stat().st_gid if self.folder.exists() else 0
        shutil.copytree(folder, self.folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, 0, group)
            path.chmod(0o750 if path.is_dir() else 0o640)
