"""Trivy, where the settings name it: scans an archive of an image on this host."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.domains.marketplace.images import findings
from app.domains.marketplace.images.errors import ScanUnavailable
from app.jobs.errors import PermanentError
from app.logs.masking import MAX_EXCERPT, excerpt
from app.outbound import bounded_process
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.domains.marketplace.images.findings import Finding, Report
    from app.outbound.bounded_process import Ended

NAME = "trivy"
MAX_REPORT_BYTES = 32 * 1024 * 1024
#: By itself it ends a little before it is killed, and says where it was.
_BEFORE_KILLED = timedelta(seconds=5)
#: The way to where its database comes from.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class TrivyNotConfigured(PermanentError):
    """Raised where there is no Trivy to scan with, or what the setting names cannot be run."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "trivy_not_configured"

    def __init__(self, *, problem: str) -> None:
        super().__init__(
            f"Trivy does not run: {problem.rstrip('.')}. Set GROUNDWORK_TRIVY_PATH to its program."
        )


def is_configured() -> bool:
    """Whether images are scanned by Trivy."""
    return bool(settings().trivy_path)


def scan(archive: Path, *, proceed: Callable[[], None] = lambda: None) -> Report:
    """Scan an archive or a folder that has an image; `proceed` is called meanwhile, and may raise.

    Raises `TrivyNotConfigured` and `ScanUnavailable`.
    """
    if not is_configured():
        raise TrivyNotConfigured(problem="GROUNDWORK_TRIVY_PATH is not set")
    limit = timedelta(seconds=settings().trivy_seconds)
    try:
        ended = bounded_process.run(
            _command(archive, limit=limit),
            deadline=limit,
            max_bytes=MAX_REPORT_BYTES,
            environment=_environment(),
            proceed=proceed,
        )
    except bounded_process.NotStarted as error:
        raise TrivyNotConfigured(problem=str(error)) from None
    return findings.report(NAME, _findings(_report(ended, limit=limit)))


def _command(archive: Path, *, limit: timedelta) -> list[str]:
    own_limit = max(limit - _BEFORE_KILLED, limit / 2)
    return [
        settings().trivy_path,
        "image",
        f"--input={archive.absolute()}",
        "--format=json",
        "--scanners=vuln",
        "--exit-code=0",
        "--quiet",
        f"--cache-dir={settings().trivy_cache_folder.absolute()}",
        f"--timeout={own_limit.total_seconds():.0f}s",
    ]


def _environment() -> dict[str, str]:
    proxies = {name: os.environ[name] for name in _PROXIES if name in os.environ}
    return {**bounded_process.ENVIRONMENT, **proxies, "HOME": str(settings().trivy_cache_folder.absolute())}


def _report(ended: Ended, *, limit: timedelta) -> Any:
    if ended.is_cut:
        raise ScanUnavailable(f"Trivy's report is longer than {MAX_REPORT_BYTES} bytes, so it was killed.")
    if ended.code is None:
        raise ScanUnavailable(
            f"Trivy did not end within {limit.total_seconds():g} s and was killed. Raise "
            "GROUNDWORK_TRIVY_SECONDS if images take longer."
        )
    if ended.code:
        how = f"ended with {ended.code}" if ended.code > 0 else f"was killed by signal {-ended.code}"
        raise ScanUnavailable(f"Trivy {how}: {excerpt(ended.said[-MAX_EXCERPT:]) or 'it said nothing'}.")
    try:
        return json.loads(ended.output)
    except (ValueError, RecursionError) as error:
        raise ScanUnavailable(f"Trivy's report is not JSON: {excerpt(error)}.") from None


def _findings(report: Any) -> Iterator[Finding]:
    results = report.get("Results") if isinstance(report, dict) else None
    if not isinstance(report, dict) or not isinstance(results, list | None):
        raise ScanUnavailable(
            "Trivy's report has no results. Is GROUNDWORK_TRIVY_PATH Trivy, of 0.20 or newer?"
        )
    for result in _objects(results):
        for one in _objects(result.get("Vulnerabilities")):
            yield findings.finding(
                severity=one.get("Severity"),
                known_as=one.get("VulnerabilityID"),
                package=one.get("PkgName"),
                installed=one.get("InstalledVersion"),
                fixed=one.get("FixedVersion"),
                title=one.get("Title"),
            )


def _objects(value: object) -> Iterator[dict[str, Any]]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()
