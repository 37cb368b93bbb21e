"""Push messages by Amazon SNS; an address is the ARN of a platform endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.domains.notifications.push import DeviceGone
from app.outbound import aws
from app.outbound.deliveries.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.outbound.deliveries.outcome import HandOver

#: What SNS answers for a device that is no more.
GONE = frozenset({"EndpointDisabled", "NotFound"})
TRANSIENT = frozenset({"InternalError", "KMSThrottling"})


def send(*, address: str, message: Mapping[str, Any], handover: HandOver) -> str:
    """Publish to one endpoint, in the form of each kind of device; gives SNS's id."""
    client = aws.client("sns")
    try:
        answer = aws.call(
            "SNS",
            client.publish,
            passing=TRANSIENT,
            handover=handover,
            TargetArn=address,
            MessageStructure="json",
            Message=_for_each_kind(message),
        )
    except Refused as error:
        if error.reason in GONE:
            raise DeviceGone(str(error)) from None
        raise
    return str(answer["MessageId"])


def _for_each_kind(message: Mapping[str, Any]) -> str:
    shown = {"title": message["title"], "body": message["body"]}
    facts = {"notification_id": message["notification_id"]}
    apple = json.dumps({"aps": {"alert": shown}, **facts})
    google = json.dumps({"notification": shown, "data": facts})
    return json.dumps(
        {"default": message["body"], "GCM": google, "APNS": apple, "APNS_SANDBOX": apple},
        ensure_ascii=False,
    )
