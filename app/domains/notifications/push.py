"""The port to whoever brings messages to devices, and what such a message holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from app.domains.notifications.models import Platform
from app.outbound.deliveries.errors import Refused
from app.outbound.deliveries.outcome import HandOver, Outcome
from app.outbound.deliveries.service import Limit, Provider, WhenUncertain
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domains.notifications.models import Notification
    from app.outbound.deliveries.models import Delivery

#: Both platforms refuse a message above 4 KiB; a letter may take four bytes.
MAX_TITLE = 100
MAX_BODY = 500
#: What all workers together send to one platform.
PER_MINUTE = 6_000


class DeviceGone(Refused):
    """Raised when the platform says that the device takes no messages any more."""

    code = "device_gone"


class Send(Protocol):
    """A call of a platform: gives its id for the message.

    Raises `DeviceGone`, `Refused`, `NotSent` or `OutcomeUnknown`.
    """

    def __call__(self, *, address: str, message: Mapping[str, Any], handover: HandOver) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Port:
    """The platform of the settings, and the call that reaches it."""

    platform: Platform
    send: Send

    def to(self, address: str) -> Provider:
        """The provider that reaches one device."""
        return Provider(
            name=self.platform,
            send=partial(self._send, address),
            limit=Limit(name=f"push:{self.platform}", per_minute=PER_MINUTE),
            # A notice that rings twice does no harm; one that never rings does.
            when_uncertain=WhenUncertain.SEND,
        )

    def _send(self, address: str, delivery: Delivery, handover: HandOver) -> Outcome:
        return Outcome(provider_id=self.send(address=address, message=delivery.content, handover=handover))


def configured() -> Port | None:
    """The port that the settings name; None where push is not set up."""
    # Not above: few set push up, and what these load is large.
    from app.domains.notifications import fcm, sns

    match settings().push_provider:
        case "sns":
            return Port(platform=Platform.SNS, send=sns.send)
        case "fcm":
            return Port(platform=Platform.FCM, send=fcm.send)
        case "none":
            return None


def content(notification: Notification) -> dict[str, Any]:
    """What leaves for a device: never more than the title, the body and the notification's id."""
    return {
        "title": _cut(notification.title, MAX_TITLE),
        "body": _cut(notification.body, MAX_BODY),
        "notification_id": str(notification.id),
    }


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
