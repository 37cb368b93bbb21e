"""What a scanner found in an image, in one shape for all scanners."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from app.outbound.json_fields import readable

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Of more, the gravest are kept, and all are counted.
MAX_FINDINGS = 5_000
MAX_ID = 200
MAX_PACKAGE = 200
MAX_VERSION = 200
MAX_TITLE = 500


class Severity(StrEnum):
    """How grave a finding is, the gravest first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"
    UNKNOWN = "unknown"


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A weakness of a package that is in the image."""

    severity: Severity
    id: str
    package: str
    installed: str
    #: The version that mends it; empty where there is none yet.
    fixed: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a scan came to."""

    scanner: str
    findings: tuple[Finding, ...]
    #: Of all, those that are not kept included.
    counts: dict[Severity, int] = field(default_factory=dict)

    @property
    def left_out(self) -> int:
        """How many were found and are not kept."""
        return sum(self.counts.values()) - len(self.findings)


def finding(
    *,
    severity: object,
    known_as: object,
    package: object,
    installed: object,
    fixed: object,
    title: object,
) -> Finding:
    """What a scanner told, in bounds. What is no text is empty, and a severity of another name is unknown."""
    return Finding(
        severity=severity_of(severity),
        id=_text(known_as, MAX_ID) or "unnamed",
        package=_text(package, MAX_PACKAGE),
        installed=_text(installed, MAX_VERSION),
        fixed=_text(fixed, MAX_VERSION),
        title=_text(title, MAX_TITLE),
    )


def severity_of(told: object) -> Severity:
    """The severity of that name, whatever its case."""
    try:
        return Severity(str(told).lower())
    except ValueError:
        return Severity.UNKNOWN


def report(scanner: str, found: Iterable[Finding]) -> Report:
    """All that was found, each once, the gravest first."""
    different = sorted(set(found), key=lambda one: (_RANKS[one.severity], one.id, one.package, one.installed))
    counts = Counter(one.severity for one in different)
    return Report(
        scanner=scanner,
        findings=tuple(different[:MAX_FINDINGS]),
        counts={severity: counts[severity] for severity in Severity},
    )


def _text(value: object, limit: int) -> str:
    return readable(value[:limit]) if isinstance(value, str) else ""
