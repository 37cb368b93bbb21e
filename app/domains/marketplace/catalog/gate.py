"""What keeps a version from its buyers: an image that is not pushed, not scanned, or not sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.marketplace.catalog.errors import VersionBlocked
from app.domains.marketplace.catalog.models import PushState, ScanState
from app.domains.marketplace.images.findings import Severity
from app.settings.config import settings

if TYPE_CHECKING:
    from app.domains.marketplace.catalog.models import ModelVersion

#: Those that a limit can be set at, the gravest first.
LIMITS = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


def blocking(version: ModelVersion) -> dict[Severity, int]:
    """How many weaknesses of each severity keep a version back, by the limit that is set now."""
    graver = LIMITS[: LIMITS.index(Severity(settings().image_blocking_severity)) + 1]
    counts = {severity: int(getattr(version, severity)) for severity in graver}
    return {severity: count for severity, count in counts.items() if count}


def judged(version: ModelVersion) -> ScanState:
    """What is to be said of an image whose weaknesses are counted."""
    return ScanState.BLOCKED if blocking(version) else ScanState.PASSED


def pass_or_refuse(version: ModelVersion) -> None:
    """Raise `VersionBlocked` for a version that nobody may have yet; one that passes is noted as such."""
    if version.archive_key is None and version.image is None:
        if version.file_key is None:
            raise VersionBlocked(version, problem="it has neither a file nor an image; send one first")
        return
    if version.push_state != PushState.PUSHED:
        raise VersionBlocked(version, problem="its image is not in the registry; push it first")
    if version.scan_state not in (ScanState.PASSED, ScanState.BLOCKED):
        raise VersionBlocked(version, problem="its image was not scanned; have it scanned first")
    if found := blocking(version):
        counted = ", ".join(f"{count} {severity}" for severity, count in found.items())
        weaknesses = f"the scan of its image found weaknesses ({counted})"
        raise VersionBlocked(version, problem=f"{weaknesses}; push a sound one")
    version.scan_state = ScanState.PASSED
