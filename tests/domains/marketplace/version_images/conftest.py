from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.ecr import FakeEcr, pointed_at, registry_of
from tests.outbound.mail.conftest import aws_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.aws import AwsServer
    from tests.fakes.registry import FakeRegistry

__all__ = ["aws_server"]


@pytest.fixture
def ecr(aws_server: AwsServer, configure: Callable[..., None], tmp_path: Path) -> Iterator[FakeRegistry]:
    """The registry of an account at Amazon, whose own API moto plays; and a place for archives."""
    aws_server.reset()
    registry = registry_of(aws_server).start()
    configure(**pointed_at(aws_server.url), ecr_registry_url=registry.url, storage=tmp_path / "store")
    yield registry
    registry.close()


@pytest.fixture
def scripted(configure: Callable[..., None], tmp_path: Path) -> Iterator[FakeEcr]:
    """An ECR whose answers are told, one by one."""
    server: FakeEcr = FakeEcr().start()
    configure(**pointed_at(server.url), storage=tmp_path / "store")
    yield server
    server.close()
