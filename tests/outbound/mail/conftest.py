"""Mail servers, and the settings pointed at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.aws import REGION, AwsServer
from tests.fakes.smtp import MailServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def smtp(configure: Callable[..., None]) -> Iterator[MailServer]:
    """A mail server that the settings name."""
    server = MailServer().start()
    configure(
        mail_transport="smtp",
        smtp_port=server.port,
        smtp_security="none",
        mail_from="Groundwork <service@example.org>",
        mail_per_minute=60_000,
    )
    yield server
    server.close()


@pytest.fixture(scope="session")
def aws_server() -> Iterator[AwsServer]:
    server = AwsServer().start()
    yield server
    server.close()


@pytest.fixture
def ses(aws_server: AwsServer, configure: Callable[..., None]) -> AwsServer:
    """An SES that the settings name and that knows the sender."""
    aws_server.reset()
    aws_server.client("sesv2").create_email_identity(EmailIdentity="service@example.org")
    configure(
        mail_transport="ses",
        aws_region=REGION,
        aws_endpoint_url=aws_server.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        mail_from="Groundwork <service@example.org>",
        mail_per_minute=60_000,
    )
    return aws_server
