"""Servers that bring messages to devices, and the settings pointed at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.aws import REGION
from tests.fakes.fcm import FcmServer
from tests.outbound.mail.conftest import aws_server, smtp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.aws import AwsServer

__all__ = ["aws_server", "smtp"]


@pytest.fixture
def fcm(configure: Callable[..., None]) -> Iterator[FcmServer]:
    """Firebase, which the settings name."""
    server = FcmServer().start()
    configure(push_provider="fcm", fcm_url=server.url, fcm_credentials=server.credentials())
    yield server
    server.close()


@pytest.fixture
def sns(aws_server: AwsServer, configure: Callable[..., None]) -> AwsServer:
    """An SNS that the settings name."""
    aws_server.reset()
    configure(
        push_provider="sns",
        aws_region=REGION,
        aws_endpoint_url=aws_server.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    return aws_server
