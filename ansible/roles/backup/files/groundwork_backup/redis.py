"""The broker's append-only files."""

from __future__ import annotations

import os
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from .errors import BackupError

APPENDED = "appendonlydir"
TRIES = 10
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Redis:
    """A Redis (7 or newer) by its data folder."""

    data: Path
    name: str = "redis"

    def save(self, folder: Path) -> None:
        """Copy the files that the manifest of the moment names.

        Redis only ever appends to them, so a copy is what it had written at some moment, unless a rewrite
        replaced some of them meanwhile. That changes the manifest, and is tried again: nothing has to be
        switched off in Redis, and nothing stays switched off when this is killed.
        """
        source = self.data / APPENDED
        for _ in range(TRIES):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            if _copied(source, folder):
                return
            time.sleep(PAUSE_SECONDS)
        raise BackupError(
            f"Redis rewrote {source} during each of {TRIES} copies. Try again when it is less busy."
        )

    def restore(self, folder: Path) -> None:
        """Put the files in place of those that are there. Redis must not run."""
        self._refuse_running()
        owner = self.data.stat()
        fresh, old = self.data / f"{APPENDED}.restoring", self.data / f"{APPENDED}.before"
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copytree(folder, fresh)
        for path in (fresh, *fresh.iterdir()):
            os.chown(path, owner.st_uid, owner.st_gid)
            path.chmod(0o750 if path.is_dir() else 0o640)
        if (self.data / APPENDED).exists():
            (self.data / APPENDED).rename(old)
        fresh.rename(self.data / APPENDED)
        shutil.rmtree(old, ignore_errors=True)
        # It would be older or newer than the files, and the next start may write it anew.
        (self.data / "dump.rdb").unlink(missing_ok=True)

    def _refuse_running(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                found = (process / "cwd").readlink() == self.data.resolve()
                name = (process / "comm").read_text().strip()
            except OSError:
                continue
            if found and name.startswith("redis"):
                raise BackupError(
                    f"Redis (process {process.name}) still runs in {self.data} and would write over what is "
                    "restored. Stop it first: systemctl stop redis-server@groundwork"
                )


def _copied(source: Path, folder: Path) -> bool:
    """Whether a copy was made without a rewrite between."""
    manifests = sorted(source.glob("*.manifest"))
    if not manifests:
        raise BackupError(
            f"There are no append-only files in {source}. Set appendonly yes in redis.conf, or tell the role "
            "backup where Redis keeps its data."
        )
    before = manifests[0].read_bytes()
    for line in before.decode().splitlines():
        kind, name, kept = _entry(line)
        if kind == "file" and kept:
            try:
                shutil.copyfile(source / name, folder / name)
            except FileNotFoundError:
                return False
    (folder / manifests[0].name).write_bytes(before)
    return manifests[0].read_bytes() == before


def _entry(line: str) -> tuple[str, str, bool]:
    """`file NAME seq 1 type b`: kind, name, and whether it still counts (`h` is history)."""
    words = shlex.split(line)
    facts = dict(zip(words[2::2], words[3::2], strict=False))
    return words[0], words[1], facts.get("type") != "h"
