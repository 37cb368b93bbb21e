"""Tells systemd how this service is, where systemd asked to be told."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

ALIVE = "WATCHDOG=1"


def notify(state: str) -> None:
    """Send `state` as `sd_notify` does; without systemd, or when it does not listen, nothing happens.

    `WATCHDOG_PID` is not looked at: it names the process that systemd started, which is not the one that
    stays when a service detaches. Whom systemd believes is the unit's `NotifyAccess`.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    # A service must not stand still, let alone end, because nobody reads this.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.setblocking(False)
        speaker.sendto(state.encode(), address)
