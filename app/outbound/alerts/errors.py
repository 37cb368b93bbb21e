"""What can be wrong with what is asked of alerts."""

from __future__ import annotations

from app.errors import NotFound


class AlertNotOpen(NotFound):
    """Raised for an id that no open alert has."""

    code = "alert_not_open"

    def __init__(self, *, alert_id: int) -> None:
        super().__init__(f"No alert with the id {alert_id} is open. See which are: groundwork alerts list")
