"""Reads what Amazon ECR answers about a scan: its own findings, and those of Amazon Inspector (enhanced)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.marketplace.images import findings
from app.domains.marketplace.images.errors import ScanFailed, ScanImpossible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.marketplace.images.findings import Finding

_WAITING = frozenset({"IN_PROGRESS", "PENDING"})
_DONE = frozenset({"COMPLETE", "ACTIVE"})


def is_done(status: dict[str, Any]) -> bool:
    """Whether there are findings. Raises `ScanImpossible` and `ScanFailed` where there will be none."""
    told = str(status.get("status", ""))
    if told in _DONE:
        return True
    if told in _WAITING:
        return False
    said = status.get("description") or "it says no more"
    if told == "FAILED":
        raise ScanFailed(said=str(said))
    raise ScanImpossible(f"Amazon ECR does not scan this image: {told} ({said}). Set up Trivy to scan it.")


def found_in(told: dict[str, Any]) -> Iterator[Finding]:
    """The findings of one page."""
    for one in told.get("findings") or ():
        attributes = {pair.get("key"): pair.get("value") for pair in one.get("attributes") or ()}
        yield findings.finding(
            severity=one.get("severity"),
            known_as=one.get("name"),
            package=attributes.get("package_name"),
            installed=attributes.get("package_version"),
            fixed="",
            title=one.get("description"),
        )
    for one in told.get("enhancedFindings") or ():
        details = one.get("packageVulnerabilityDetails") or {}
        packages: list[dict[str, Any]] = details.get("vulnerablePackages") or [{}]
        for package in packages:
            yield findings.finding(
                severity=one.get("severity"),
                known_as=details.get("vulnerabilityId"),
                package=package.get("name"),
                installed=package.get("version"),
                fixed=package.get("fixedInVersion"),
                title=one.get("title"),
            )
