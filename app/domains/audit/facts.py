"""What other domains tell the audit logs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class LoginStatus(StrEnum):
    """How an attempt to sign in ended."""

    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What one user did in some time, as far as the logs have it."""

    user_id: int
    last_seen_at: datetime
    logins: int = 0
    operations: int = 0
