"""gunicorn's settings; `groundwork serve` hands this module to gunicorn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from sqlalchemy.orm import configure_mappers

from app import freeze_loaded
from app.logs.configure import configure_logging
from app.processes.command_lines import log_file
from app.settings.config import settings
from app.settings.kinds import in_url

if TYPE_CHECKING:
    from datetime import timedelta

log = structlog.get_logger("app.http.access")


class ServiceLogger(Logger):  # type: ignore[misc]
    """gunicorn's own messages and a line per request, in the form of all other logs."""

    def setup(self, cfg: Any) -> None:
        """Leave the two loggers of gunicorn to the root logger's handler."""
        self.cfg = cfg
        configure_logging("api", log_file("api"))
        for logger in (self.error_log, self.access_log):
            logger.propagate = True
            logger.setLevel(settings().log_level)

    def access(
        self,
        resp: Any,
        req: Any,  # noqa: ARG002 (gunicorn gives it)
        environ: dict[str, Any],
        request_time: timedelta,
    ) -> None:
        """Write down one request; its query is left out because people put secrets there."""
        answer = dict(resp.headers)
        log.info(
            "request",
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            status=resp.status,
            milliseconds=request_time.seconds * 1000 + request_time.microseconds // 1000,
            bytes=resp.sent,
            client=environ.get("REMOTE_ADDR"),
            request_id=answer.get("x-request-id"),
        )


logger_class = ServiceLogger
# Not a file: that there is one makes gunicorn report requests at all.
accesslog = "-"
# Under systemd the socket is handed over (LISTEN_FDS) and takes the place of this address.
bind = [f"{in_url(settings().api_host)}:{settings().api_port}"]
workers = settings().api_workers
# gunicorn's own kind of worker reloads under load without dropping a request; uvicorn's resets connections.
worker_class = "app.http.gunicorn_worker.Worker"
# A proxy keeps its connections for longer than gunicorn's 2 s; the side that closes first wins a race with
# the next request, so it should not be the server.
keepalive = 75
# Below TimeoutStopSec of the unit, so that gunicorn and not systemd ends the last requests.
graceful_timeout = 30
# Loaded once, before the processes that serve: they share the memory, and the unit is not up before that.
# Code is renewed by a restart (systemd keeps the socket); a reload renews the processes.
preload_app = True
# Without a startup that completes there is no API to offer: stop, and let the supervisor say so.
asgi_lifespan = "on"
# It would write below the home folder, which a service has none of; nothing here uses it.
control_socket_disable = True
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108


def when_ready(server: Any) -> None:  # noqa: ARG001 (gunicorn gives it)
    """Before the processes that serve are forked."""
    configure_mappers()
    freeze_loaded()


def post_worker_init(worker: Any) -> None:
    """Let listeners go when the process stops; they come back to its successor by themselves."""
    # Not above: the process that watches over the others serves nothing.
    from app.http.streams import end_when

    end_when(lambda: not worker.alive)
