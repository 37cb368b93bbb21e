"""What a channel is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.outbound.alerts.message import AlertMessage
    from app.outbound.deliveries.outcome import HandOver


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One way out. Its name is shown and stored, so there is no secret in it.

    `send` gives the other side's id for the message, and raises what `app.outbound.deliveries.errors` has.
    """

    name: str
    send: Callable[[AlertMessage, HandOver], str]
