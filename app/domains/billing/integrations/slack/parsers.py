"""Reads what Slack answers. Raises `InvalidField` for what cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations.facts import SlackStatus, SlackTeam, SlackUser
from app.domains.billing.integrations.moments import YEARS
from app.outbound.json_fields import InvalidField, identifier, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping


def team(told: Mapping[str, Any]) -> SlackTeam:
    """Whom and where a token stands for."""
    return SlackTeam(
        id=identifier(told, "user_id"),
        name=text(told, "user") or "",
        team_id=identifier(told, "team_id"),
        team_name=text(told, "team") or "",
    )


def status(told: Mapping[str, Any]) -> SlackStatus:
    """What a profile says somebody is doing."""
    profile = mapping(told.get("profile"), "profile")
    return SlackStatus(
        text=text(profile, "status_text") or "",
        emoji=text(profile, "status_emoji") or "",
        ends_at=_unix_time(profile, "status_expiration"),
    )


def user(told: Mapping[str, Any]) -> SlackUser:
    """A member of the workspace."""
    row = mapping(told.get("user"), "user")
    return SlackUser(
        id=identifier(row, "id"),
        name=text(row, "real_name") or text(row, "name") or "",
        timezone=text(row, "tz"),
        is_deleted=row.get("deleted") is True,
        is_bot=row.get("is_bot") is True,
    )


def _unix_time(row: Mapping[str, Any], field: str) -> datetime | None:
    value = row.get(field)
    if value is None or value == 0:
        return None
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            read = datetime.fromtimestamp(value, tz=UTC)
            if read.year in YEARS:
                return read
    except (ValueError, OverflowError, OSError):
        pass
    raise InvalidField(field=field, value=value, expected="a Unix time")
