"""Checks of this host."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from app.health.doctor.finding import Finding
from app.settings.config import settings
from app.settings.sources import credential_files, env_files

ABOUT = "host"
MIB, GIB = 1024**2, 1024**3
MIN_FREE_SHARE = 0.10
#: The owner may read and write, the group may read: 0640.
ALLOWED_MODE = 0o640
STATE_FOLDER = Path("/var/lib/groundwork")


def settings_are_usable() -> Finding:
    """Whether the settings can be read."""
    sources = ", ".join(map(str, _files_with_settings())) or "the environment"
    return Finding.ok(
        ABOUT, f"The settings of release {settings().release} come from {sources} and are usable."
    )


def settings_are_private() -> Finding:
    """Whether strangers can read the secrets."""
    files = _files_with_settings()
    for path in files:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~ALLOWED_MODE:
            return Finding.problem(
                ABOUT,
                f"{path} holds secrets and has mode {mode:04o}, expected {ALLOWED_MODE:04o} or 0600.",
                fix=f"Run: chmod {ALLOWED_MODE:04o} {path}",
            )
    if not files:
        return Finding.ok(ABOUT, "There is no env file whose secrets could be read.")
    return Finding.ok(ABOUT, "The files that hold the settings are private.")


def disk_has_room() -> Finding:
    """Whether the state and the logs have room to grow."""
    folder, free, share = scarcest()
    said = f"{free / GIB:.1f} GiB ({share:.0%}) of the disk are free at {folder}"
    fix = "Make room, or move the folder to a larger disk."
    if free < settings().health_disk_free_mib * MIB:
        return Finding.problem(ABOUT, f"Only {said}; a full disk stops Redis and the ledger.", fix=fix)
    if share < MIN_FREE_SHARE:
        return Finding.warning(ABOUT, f"Only {said}.", fix=fix)
    return Finding.ok(ABOUT, f"{said}.")


def scarcest() -> tuple[Path, int, float]:
    """Of the service's folders that with the least room: its free bytes, and their share of its disk."""
    return min(((folder, *_free(folder)) for folder in _folders()), key=lambda item: item[1])


def _files_with_settings() -> list[Path]:
    return [*env_files(), *credential_files().values()]


def _folders() -> list[Path]:
    folders = [STATE_FOLDER if STATE_FOLDER.is_dir() else Path.cwd()]
    if settings().is_sqlite:
        folders.append(Path(str(settings().database.database)).absolute().parent)
    log_dir, storage = settings().log_dir, settings().storage_place
    if log_dir is not None:
        folders.append(log_dir)
    if isinstance(storage, Path):
        folders.append(storage)
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _free(folder: Path) -> tuple[int, float]:
    disk = shutil.disk_usage(folder)
    return disk.free, disk.free / disk.total
