"""What a person who signs in is to the service."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody may do, from little to much. Whoever has none does not sign in."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
