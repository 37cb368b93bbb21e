from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domains.banking.webhooks import verification
from app.domains.banking.webhooks.keys import KeyRing
from tests.domains.banking.linking import point_at
from tests.fakes.plaid import FakePlaid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine


@pytest.fixture
def plaid(
    database: Engine, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakePlaid]:
    """A Plaid of the test's own that the settings name; no key of another test is known."""
    monkeypatch.setattr(verification, "_RING", KeyRing())
    with FakePlaid() as server:
        configure(**point_at(server))
        yield server
