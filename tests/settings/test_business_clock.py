from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.settings.business_clock import business_now, local_time

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_business_goes_by_the_pretended_moment(configure: Callable[..., None]) -> None:
    configure(pretend_now="2026-01-31T09:00:00+01:00")
    assert business_now() == datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timezone", "shown"),
    [("Europe/Berlin", "14:00"), ("Asia/Kathmandu", "17:45"), ("Mars/Olympus", "12:00"), ("../etc", "12:00")],
)
def test_clocks_show_what_their_zone_says(timezone: str, shown: str) -> None:
    assert f"{local_time(NOON, timezone=timezone):%H:%M}" == shown
