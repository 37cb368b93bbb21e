"""Logs: one JSON object a line in files, words on a terminal, with request and job ids on every line."""

from __future__ import annotations

import logging
import sys
from logging.handlers import WatchedFileHandler
from typing import TYPE_CHECKING, Any

import click
import structlog
from celery import signals

from app.logs.masking import without_secrets
from app.settings.config import settings

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import EventDict, Processor, WrappedLogger

#: Libraries that say on INFO what only their authors want to know.
QUIET = ("alembic", "httpx", "httpcore", "amqp", "tornado.access")

#: What is longer is cut in the middle: an exception may carry a whole file, and a line is read as one.
LONGEST, HEAD = 16_384, 12_288


def _fit_texts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: _fitted(name, value) if isinstance(value, str) else value for name, value in event.items()}


def _fitted(name: str, text: str) -> str:
    length = len(text)
    if name == "exception":
        text = without_secrets(text)  # an error of a library may quote what it sent or was told
    if len(text) <= LONGEST:
        return text
    return f"{text[:HEAD]} [{length - LONGEST:,} characters left out] {text[HEAD - LONGEST :]}"


def _add_job_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Celery's own lines about a task name it in `data`."""
    record = event.get("_record")
    data = getattr(record, "data", None)
    if isinstance(data, dict) and "id" in data:
        event.setdefault("job_id", data["id"])
        event.setdefault("task", data.get("name"))
    return event


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def _formatter(*, service: str, human: bool) -> logging.Formatter:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**event, "service": service}

    rendered: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if human
        else [
            structlog.processors.format_exc_info,
            _fit_texts,
            add_service,
            structlog.processors.JSONRenderer(default=str),
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.PositionalArgumentsFormatter(), _add_job_id],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
    )


def configure_logging(service: str, logfile: Path | str | None = None) -> None:
    """Send this process's logs to `logfile` (it may be rotated by renaming), else to standard error."""
    handler: logging.Handler = WatchedFileHandler(logfile) if logfile else logging.StreamHandler(sys.stderr)
    human = not logfile and sys.stderr.isatty()
    handler.setFormatter(_formatter(service=service, human=human))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings().log_level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


@signals.setup_logging.connect
def _configure_celery(logfile: str | None = None, **_: Any) -> None:
    """Celery asks here instead of configuring logging itself."""
    configure_logging(_celery_service(), logfile)


def _celery_service() -> str:
    """The service is Celery's command that runs; for a worker also its pool, as its node says."""
    command = click.get_current_context(silent=True)
    if command is None or command.info_name is None:
        return "celery"
    node = command.params.get("hostname")
    return f"{command.info_name}-{node.partition('@')[0]}" if node else command.info_name
