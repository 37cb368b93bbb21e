"""What this host backs up, and to where: one JSON file, written by the role."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import BackupError

PATHS = {"folder", "status", "release", "settings", "redis", "sqlite", "database_url"}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The host's part of the work; None is a part that it has not got."""

    folder: Path
    keep: int
    max_age_hours: float
    #: Names the release that runs, for the manifest.
    release: Path
    #: Where the service reads how the backups went.
    status: Path | None = None
    settings: Path | None = None
    #: Settings that belong to this host.
    settings_kept: list[str] = field(default_factory=list)
    redis: Path | None = None
    sqlite: Path | None = None
    #: The name of a database of this host's own server.
    postgresql: str | None = None
    #: The cluster of that server, without its version.
    postgresql_cluster: str = "main"
    #: A file with the URL of a database elsewhere.
    database_url: Path | None = None


def read(path: Path) -> Configuration:
    """The configuration in the file `path`."""
    try:
        given: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BackupError(f"{path} cannot be read ({error}). The role backup writes it.") from None
    kept: dict[str, Any] = {name: value for name, value in given.items() if value}
    return Configuration(**kept | {name: Path(kept[name]) for name in PATHS & kept.keys()})
