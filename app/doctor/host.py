"""Checks of this host."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from sqlalchemy import make_url

from app.config import env_file, settings
from app.doctor.finding import Finding

ABOUT = "host"
GIB = 1024**3
LEAST_FREE_BYTES = GIB
LEAST_FREE_SHARE = 0.10
#: The owner may read and write, the group may read: 0640.
ALLOWED_MODE = 0o640
STATE_FOLDER = Path("/var/lib/groundwork")


def settings_are_usable() -> Finding:
    """Whether the settings can be read."""
    source = env_file()
    release = settings().release
    return Finding.ok(
        ABOUT, f"The settings of release {release} come from {source or 'the environment'} and are usable."
    )


def env_file_is_private() -> Finding:
    """Whether strangers can read the secrets."""
    path = env_file()
    if path is None:
        return Finding.ok(ABOUT, "There is no env file whose secrets could be read.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~ALLOWED_MODE:
        return Finding.problem(
            ABOUT,
            f"{path} holds secrets and has mode {mode:04o}, expected {ALLOWED_MODE:04o} or 0600.",
            fix=f"Run: chmod {ALLOWED_MODE:04o} {path}",
        )
    return Finding.ok(ABOUT, f"{path} is private (mode {mode:04o}).")


def disk_has_room() -> Finding:
    """Whether the state and the logs have room to grow."""
    folder, free, share = min(((folder, *_free(folder)) for folder in _folders()), key=lambda item: item[1])
    said = f"{free / GIB:.1f} GiB ({share:.0%}) of the disk are free at {folder}"
    fix = "Make room, or move the folder to a larger disk."
    if free < LEAST_FREE_BYTES:
        return Finding.problem(ABOUT, f"Only {said}; a full disk stops Redis and the ledger.", fix=fix)
    if share < LEAST_FREE_SHARE:
        return Finding.warning(ABOUT, f"Only {said}.", fix=fix)
    return Finding.ok(ABOUT, f"{said}.")


def _folders() -> list[Path]:
    folders = [STATE_FOLDER if STATE_FOLDER.is_dir() else Path.cwd()]
    if settings().is_sqlite:
        folders.append(Path(make_url(settings().database_url).database or "").absolute().parent)
    log_dir = settings().log_dir
    if log_dir is not None:
        folders.append(log_dir)
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _free(folder: Path) -> tuple[int, float]:
    disk = shutil.disk_usage(folder)
    return disk.free, disk.free / disk.total
