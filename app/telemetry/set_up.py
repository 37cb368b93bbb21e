"""Connects a process to what its settings name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.settings.config import settings
from app.telemetry.errors import PackageMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp


def add_telemetry() -> None:
    """Have the jobs that this process accepts or runs traced, and what ends them badly reported.

    Raises `PackageMissing`.
    """
    # Not above, nor below: the libraries are for those who use them.
    if settings().otel_endpoint:
        with _installed("OTEL_ENDPOINT", extra="otel"):
            from app.telemetry import job_spans
        job_spans.connect()
    if settings().sentry_dsn.get_secret_value():
        with _installed("SENTRY_DSN", extra="sentry"):
            from app.telemetry import job_errors
        job_errors.connect()


def of_requests() -> list[Callable[[ASGIApp], ASGIApp]]:
    """The middleware that does the same for requests. Raises `PackageMissing`."""
    found: list[Callable[[ASGIApp], ASGIApp]] = []
    # As above.
    if settings().otel_endpoint:
        with _installed("OTEL_ENDPOINT", extra="otel"):
            from app.telemetry.request_spans import TraceRequests
        found.append(TraceRequests)
    if settings().sentry_dsn.get_secret_value():
        with _installed("SENTRY_DSN", extra="sentry"):
            from app.telemetry.request_errors import ReportErrors
        found.append(ReportErrors)
    return found


@contextmanager
def _installed(setting: str, *, extra: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise PackageMissing(setting=setting, extra=extra, library=error.name) from None
