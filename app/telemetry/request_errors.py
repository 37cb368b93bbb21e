"""Reports requests that failed in a way that nobody foresaw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.logs.masking import without_secrets
from app.telemetry.sentry import report

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class ReportErrors:
    """ASGI middleware: what is raised goes on to be answered, once it was reported."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            route = getattr(scope.get("route"), "path", "")
            request_id = scope.get("state", {}).get("request_id", "")
            tags = {"request_id": request_id, "route": f"{scope.get('method', '')} {route}".strip()}
            report(error, tags=tags, tell=without_secrets)
            raise
