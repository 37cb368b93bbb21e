"""The settings and credentials of the host, less what says where its servers are and who may use them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import BackupError

CREDENTIALS = "credentials"
ENV_SUFFIX = ".env"
PREFIX = "GROUNDWORK_"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The folder with the env files and the credentials."""

    folder: Path
    #: Names of settings that belong to this host: a restore leaves what it has.
    kept: frozenset[str] = frozenset()
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
        shutil.copytree(folder, self.folder, copy_function=self._restore_file, dirs_exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, 0, group)
            path.chmod(0o750 if path.is_dir() else 0o640)

    def _restore_file(self, saved: str, present: str) -> None:
        source, target = Path(saved), Path(present)
        if source.parent.name == CREDENTIALS and source.name in self.kept:
            return
        if source.suffix != ENV_SUFFIX:
            shutil.copyfile(source, target)
            return
        mine = target.read_text().splitlines(keepends=True) if target.exists() else []
        theirs = source.read_text().splitlines(keepends=True)
        lines = [line for line in theirs if not self._is_kept(line)] + [
            line for line in mine if self._is_kept(line)
        ]
        target.write_text("".join(line if line.endswith("\n") else f"{line}\n" for line in lines))

    def _is_kept(self, line: str) -> bool:
        return line.partition("=")[0].strip().removeprefix(PREFIX).lower() in self.kept
