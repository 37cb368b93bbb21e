from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from app.domains.notifications import sns as amazon
from app.domains.notifications.push import DeviceGone
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.deliveries.outcome import HandOver
from tests.fakes.aws import Fault
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.aws import AwsServer

MESSAGE = {"title": "Miete fällig", "body": "Zahle 800,00 €.", "notification_id": "7"}


@pytest.fixture
def device(sns: AwsServer) -> str:
    """The ARN of an endpoint."""
    client = sns.client("sns")
    application = client.create_platform_application(
        Name="app", Platform="GCM", Attributes={"PlatformCredential": "x"}
    )
    made = client.create_platform_endpoint(
        PlatformApplicationArn=application["PlatformApplicationArn"], Token="token-1"
    )
    return str(made["EndpointArn"])


def published(sns: AwsServer) -> list[Any]:
    """The messages that SNS has."""
    rows = httpx.get(f"{sns.moto_url}/moto-api/data.json").json()["sns"]["PlatformEndpoint"]
    return [json.loads(message) for row in rows for message in row["messages"].values()]


def send(address: str) -> str:
    return amazon.send(address=address, message=MESSAGE, handover=HandOver())


def test_a_message_has_the_form_of_each_kind_of_device(sns: AwsServer, device: str) -> None:
    assert send(device)
    [message] = published(sns)
    assert message["default"] == "Zahle 800,00 €."
    shown = {"title": "Miete fällig", "body": "Zahle 800,00 €."}
    assert json.loads(message["GCM"]) == {"notification": shown, "data": {"notification_id": "7"}}
    apple = {"aps": {"alert": shown}, "notification_id": "7"}
    assert json.loads(message["APNS"]) == json.loads(message["APNS_SANDBOX"]) == apple


def test_a_device_that_was_disabled_is_gone(sns: AwsServer, device: str) -> None:
    sns.client("sns").set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "false"})
    with pytest.raises(DeviceGone, match="EndpointDisabled"):
        send(device)


def test_a_device_that_was_deleted_is_gone(sns: AwsServer, device: str) -> None:
    sns.client("sns").delete_endpoint(EndpointArn=device)
    with pytest.raises(DeviceGone, match="NotFound"):
        send(device)


@pytest.mark.parametrize(
    ("status", "code"), [(400, "Throttling"), (400, "ThrottledException"), (500, "InternalError"), (503, "X")]
)
def test_a_busy_sns_took_nothing_and_is_asked_once(
    sns: AwsServer, device: str, status: int, code: str
) -> None:
    sns.faults.append(Fault(status=status, code=code))
    with pytest.raises(NotSent, match=code):
        send(device)
    assert (sns.calls, published(sns)) == (1, [])


def test_a_refusal_is_not_the_devices_fault(sns: AwsServer, device: str) -> None:
    sns.faults.append(Fault(status=403, code="AuthorizationError"))
    with pytest.raises(Refused, match="AuthorizationError") as refused:
        send(device)
    assert not isinstance(refused.value, DeviceGone)


def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(sns: AwsServer, device: str) -> None:
    sns.faults.append(Fault(loses_answer=True))
    with pytest.raises(OutcomeUnknown):
        send(device)
    assert (sns.calls, len(published(sns))) == (1, 1)


def test_a_server_out_of_reach_took_nothing(device: str, configure: Callable[..., None]) -> None:
    configure(aws_endpoint_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotSent, match="cannot be reached"):
        send(device)
