from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.registry import FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    server = FakeRegistry().start()
    yield server
    server.close()
