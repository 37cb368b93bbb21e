"""Finds out how a connection is: by its tokens, and one cheap call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.domains.accounts.service import person
from app.domains.billing.integrations import health
from app.domains.billing.integrations.calendars import calendar_of
from app.domains.billing.integrations.errors import GrantRevoked, ProviderRefused, ProviderUnavailable
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.slack.client import Slack
from app.domains.billing.integrations.syncing import access_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.billing.integrations.models import Integration

#: Tokens that end within this are refreshed: syncs before the next check find them good.
SOON = timedelta(minutes=35)


def check(session: Session, *, integration_id: int, commit: Checkpoint, now: Callable[[], datetime]) -> str:
    """Look after an integration; how it is then. Raises `NotYourTurn`."""
    integration = health.locked(session, integration_id=integration_id)
    if not integration.is_enabled:
        return integration.health
    ask = _cheap_call(session, integration, now=now)
    commit()
    try:
        ask()
    except (ProviderUnavailable, ProviderRefused) as error:
        integration = health.locked(session, integration_id=integration_id)
        note = health.revoked if isinstance(error, GrantRevoked) else health.failed
        note(session, integration, error=error)
    else:
        integration = health.locked(session, integration_id=integration_id)
        health.well(session, integration)
    return integration.health


def _cheap_call(
    session: Session, integration: Integration, *, now: Callable[[], datetime]
) -> Callable[[], object]:
    provider = Provider(integration.provider)
    if provider is Provider.SLACK:
        slack, access_token = Slack(team_id=integration.team_id or ""), integration.access_token
        return lambda: slack.account(access_token)
    zone = ZoneInfo(person(session, user_id=integration.user_id).timezone)
    calendar = calendar_of(provider, zone=zone)
    access = replace(access_of(provider, integration_id=integration.id, now=now), margin=SOON)
    return lambda: access.call(calendar.account)
