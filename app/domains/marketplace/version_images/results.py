"""What a scan came to, kept with its version. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from app.db.pages import cut
from app.domains.marketplace.catalog import gate
from app.domains.marketplace.catalog.models import ScanState
from app.domains.marketplace.version_images.models import ImageFinding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from app.db.pages import Page
    from app.domains.marketplace.catalog.models import ModelVersion
    from app.domains.marketplace.images.findings import Report, Severity

#: So many rows go into one statement.
BATCH = 1_000


def forget(session: Session, version: ModelVersion) -> None:
    """Know nothing of the image, which is another one from now on."""
    session.execute(delete(ImageFinding).where(ImageFinding.version_id == version.id))
    for severity in gate.LIMITS:
        setattr(version, severity, 0)
    version.scan_state = ScanState.NONE
    version.scan_job_id = version.scan_started_at = version.scanned_at = version.scanner = None


def keep(session: Session, version: ModelVersion, report: Report, *, now: datetime) -> None:
    """Put what was found in place of what was found before."""
    session.execute(delete(ImageFinding).where(ImageFinding.version_id == version.id))
    rows = list(_rows(version.id, report))
    for start in range(0, len(rows), BATCH):
        session.execute(insert(ImageFinding), rows[start : start + BATCH])
    for severity in gate.LIMITS:
        setattr(version, severity, report.counts.get(severity, 0))
    version.scanner, version.scanned_at = report.scanner, now
    version.scan_state = gate.judged(version)


def found(
    session: Session, *, version_id: int, severity: Severity | None, after: int | None, limit: int
) -> Page:
    """What the last scan found in the image of a version, the gravest first."""
    rows = select(ImageFinding).where(ImageFinding.version_id == version_id, ImageFinding.id > (after or 0))
    if severity is not None:
        rows = rows.where(ImageFinding.severity == severity)
    return cut(session, rows.order_by(ImageFinding.id), limit=limit)


def _rows(version_id: int, report: Report) -> Iterator[dict[str, Any]]:
    for one in report.findings:
        yield {
            "version_id": version_id,
            "severity": one.severity,
            "weakness": one.id,
            "package": one.package,
            "installed": one.installed,
            "fixed": one.fixed,
            "title": one.title,
        }
