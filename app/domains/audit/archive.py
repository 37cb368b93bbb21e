"""The archive of the audit logs: gzipped JSON lines, a file for each batch, complete or not there."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, Any

from app.jobs.errors import RetryableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.domains.audit.models import Seen

#: The user of the service alone: it says who did what.
READABLE_BY_OWNER = 0o600


class ArchiveNotWritten(RetryableError):
    """Raised when the archive takes no file; the records stay in the database."""

    code = "archive_not_written"

    def __init__(self, *, folder: Path, error: OSError) -> None:
        super().__init__(
            f"The audit archive {folder} cannot be written: {error.strerror or error}. Nothing of this batch "
            "is deleted. Make room there, or correct GROUNDWORK_AUDIT_ARCHIVE_FOLDER."
        )


def write(folder: Path, rows: Sequence[Seen]) -> Path:
    """Write `rows`, the oldest first, to a file that is named after them, and have it on the disk.

    The same rows are the same file, so that a repeated run leaves no second copy.
    """
    first, last = rows[0], rows[-1]
    path = folder / f"{first.__tablename__}-{first.at:%Y%m%dT%H%M%S}-{first.id.hex}-{last.id.hex}.jsonl.gz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(path, rows)
    except OSError as error:
        raise ArchiveNotWritten(folder=folder, error=error) from error
    return path


def _write_whole(path: Path, rows: Sequence[Seen]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            part.chmod(READABLE_BY_OWNER)
            # Without a time of its own: the same rows are the same bytes.
            with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
                for row in rows:
                    packed.write(_line(row))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the name of a new file on the disk as well."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(row: Seen) -> bytes:
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return json.dumps(values, default=_plain, ensure_ascii=False).encode() + b"\n"


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
