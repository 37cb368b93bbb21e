"""Servers that take alerts, and the settings pointed at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.hooks import HookServer
from tests.outbound.mail.conftest import smtp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["smtp"]

SECRET = "k7Tq2mZp9Lx4Vb8Nc3Rd6Wf1Hg5Js0Ya"


@pytest.fixture
def hooks(configure: Callable[..., None]) -> Iterator[HookServer]:
    """A server for webhooks, with the secret that signs what it gets; which of them are set is a test's."""
    server = HookServer().start()
    configure(alert_webhook_secret=SECRET)
    yield server
    server.close()
