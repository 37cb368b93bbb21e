"""When a user may be disturbed, and by which channels."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from pydantic import ValidationError

from app.domains.accounts.preferences import Preferences, QuietHours

NIGHT = Preferences(quiet_hours=QuietHours(start=time(22), end=time(7)))
ZONED = Preferences.model_validate({"quiet_hours": {"start": "22:00:00Z", "end": "07:00:00"}})
NOON = Preferences(quiet_hours=QuietHours(start=time(12), end=time(14)))


@pytest.mark.parametrize(
    ("preferences", "now", "timezone", "until"),
    [
        (NIGHT, "2026-02-01T21:30", "Europe/Berlin", "2026-02-02T06:00"),  # 22:30 there
        (NIGHT, "2026-02-01T03:00", "Europe/Berlin", "2026-02-01T06:00"),
        (NIGHT, "2026-02-01T06:00", "Europe/Berlin", None),  # the end does not lie in them
        (NIGHT, "2026-02-01T20:59", "Europe/Berlin", None),
        (NIGHT, "2026-03-28T23:00", "Europe/Berlin", "2026-03-29T05:00"),  # the clock goes forward that night
        (NIGHT, "2026-10-24T22:00", "Europe/Berlin", "2026-10-25T06:00"),  # and back
        (NOON, "2026-02-01T06:30", "Asia/Kathmandu", "2026-02-01T08:15"),
        (NOON, "2026-02-01T08:15", "Asia/Kathmandu", None),
        (Preferences(), "2026-02-01T03:00", "UTC", None),
        # As an earlier release took them: another clock has no say.
        (ZONED, "2026-02-01T21:30", "Europe/Berlin", "2026-02-02T06:00"),
        (ZONED, "2026-02-01T12:00", "Europe/Berlin", None),
    ],
)
def test_quiet_hours_go_by_the_users_own_clock(
    preferences: Preferences, now: str, timezone: str, until: str | None
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    expected = datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None
    assert preferences.quiet_until(moment, timezone=timezone) == expected


def test_channels_are_as_chosen_or_as_usual() -> None:
    chosen = Preferences(channels={"bill_reminder": ["push"], "budget_alert": []})
    assert chosen.channels_for("bill_reminder") == ["push"]
    assert chosen.channels_for("budget_alert") == []
    assert chosen.channels_for("relink") == ["email", "in_app"]


@pytest.mark.parametrize(
    "wrong", [{"channels": {"x": ["pigeon"]}}, {"quiet": True}, {"quiet_hours": {"start": "22:00"}}]
)
def test_what_is_no_preference_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Preferences.model_validate(wrong)
