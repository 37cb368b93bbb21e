"""Sends in a process of its own, for those whose threads must not wait for the world outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from app.logs.failures import first_line
from app.packages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.outbound.alerts.message import AlertMessage
    from app.outbound.alerts.telling import Told

log = structlog.get_logger(__name__)

#: Each channel has a limit of its own; what is not sent by then is left to the jobs, or to the next try.
TIMEOUT = timedelta(seconds=90)
# Without the current folder, in which another module may have our name.
_COMMAND = (sys.executable, "-P", "-m", "app.outbound.alerts.sending")


def send_recorded(prepared: Sequence[Told]) -> None:
    """Send prepared deliveries now."""
    if prepared:
        _run({"deliveries": prepared})


def send_unrecorded(message: AlertMessage, names: Iterable[str]) -> set[str]:
    """Send `message` by the channels of those names; which of them took it."""
    found = _run({"message": message.as_json(), "channels": list(names)})
    for channel, error in found.items():
        if error is not None:
            log.warning("alert_not_sent", channel=channel, error=error)
    return {channel for channel, error in found.items() if error is None}


def _run(order: dict[str, Any]) -> dict[str, str | None]:
    """What came of each channel."""
    try:
        done = subprocess.run(  # noqa: S603 (no shell; the command is ours)
            _COMMAND,
            input=json.dumps(order),
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT.parent)},
            text=True,
            timeout=TIMEOUT.total_seconds(),
        )
        return dict(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", None) or ""
        log.error("alerts_not_sent", error=first_line(error), said=str(said)[-500:])
        return {}
