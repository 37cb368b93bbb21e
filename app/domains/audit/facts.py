"""What other domains tell the audit logs."""

from __future__ import annotations

from enum import StrEnum


class LoginStatus(StrEnum):
    """How an attempt to sign in ended."""

    SUCCESS = "success"
    FAILURE = "failure"
