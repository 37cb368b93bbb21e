"""What can be wrong with what is asked of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import InvalidInput, NotFound
from app.values.nearest import did_you_mean
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta


class AlertNotOpen(NotFound):
    """Raised for an id that no open alert has."""

    code = "alert_not_open"

    def __init__(self, *, alert_id: int) -> None:
        super().__init__(f"No alert with the id {alert_id} is open. See which are: groundwork alerts list")


class UnknownAlertKind(InvalidInput):
    """Raised for a kind of which there are no alerts."""

    code = "unknown_alert_kind"

    def __init__(self, *, kind: str, known: Iterable[str]) -> None:
        names = sorted(known)
        hint = f"{did_you_mean(kind, names)} The kinds are: {', '.join(names)}.".lstrip()
        super().__init__(f"There are no alerts of the kind {quoted(kind)}. {hint}")


class MuteTooLong(InvalidInput):
    """Raised for a time that has passed, or is so far away that nobody would remember."""

    code = "mute_too_long"

    def __init__(self, *, until: datetime, longest: timedelta) -> None:
        super().__init__(
            f"Alerts cannot be muted until {until.isoformat(timespec='minutes')}: give a time to come, at "
            f"most {longest.days} days from now."
        )


class NoReason(InvalidInput):
    """Raised where nobody says why alerts are muted."""

    code = "no_reason"

    def __init__(self) -> None:
        super().__init__("Say in a few words why these alerts are muted, for whoever looks at them next.")
