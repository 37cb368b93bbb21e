"""What can go wrong with notifications, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, NotFound
from app.jobs.errors import RetryableError

if TYPE_CHECKING:
    from datetime import datetime


class NotificationNotFound(NotFound):
    """Raised for an id that no notification in the user's inbox has."""

    code = "notification_not_found"

    def __init__(self, *, notification_id: int, user_id: int) -> None:
        super().__init__(
            f"User {user_id} has no notification with the id {notification_id}. "
            f"GET /api/v1/users/{user_id}/notifications lists them."
        )


class EndpointNotFound(NotFound):
    """Raised for an id that no device of the user has."""

    code = "push_endpoint_not_found"

    def __init__(self, *, endpoint_id: int, user_id: int) -> None:
        super().__init__(
            f"User {user_id} has no push endpoint with the id {endpoint_id}. "
            f"GET /api/v1/users/{user_id}/push-endpoints lists them."
        )


class TooManyEndpoints(Conflict):
    """Raised when a user has as many devices as one may."""

    code = "too_many_push_endpoints"

    def __init__(self, *, user_id: int, most: int) -> None:
        super().__init__(
            f"User {user_id} has {most} push endpoints, which is as many as one may have. Delete one first."
        )


class StillQuiet(RetryableError):
    """Raised when a notification comes to be delivered, late or again, in the user's quiet hours."""

    code = "still_quiet"

    def __init__(self, *, user_id: int, until: datetime, now: datetime) -> None:
        super().__init__(f"User {user_id} has quiet hours until {until.isoformat()}.", after=until - now)
