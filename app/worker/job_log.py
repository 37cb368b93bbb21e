"""Has a worker's processes keep what their jobs log."""

from __future__ import annotations

import atexit
import logging
from typing import Any

from app.jobs.logged import writer
from app.jobs.logged.handler import JobLogHandler
from app.settings.config import settings


def begin(**_: Any) -> None:
    """Before the pool starts, whose processes inherit it; the worker's logging is set up by now."""
    level = settings().job_log_level
    if level == "OFF":
        return
    logging.getLogger().addHandler(JobLogHandler(level))
    atexit.register(end)


def end(**_: Any) -> None:
    """A process of the pool ends without that anything is called at exit."""
    writer.current().end()
