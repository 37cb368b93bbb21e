"""Notes what people in a workspace say that they are doing, and each change of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from app.db.clock import now as db_now
from app.domains.billing.integrations import health
from app.domains.billing.integrations.errors import GrantRevoked, ProviderRefused
from app.domains.billing.integrations.models import SlackBinding, SlackStatusChange
from app.domains.billing.integrations.slack.client import Slack

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.billing.integrations.facts import SlackStatus

#: Who was asked about so lately is not asked about again: a job that waited for its turn goes on behind them.
FRESH = timedelta(minutes=10)


@dataclass(kw_only=True)
class StatusStats:
    """What was found."""

    asked: int = 0
    changed: int = 0
    #: Members of the workspace whom Slack does not know any more, or does not show.
    refused: int = 0
    skipped: str | None = None


def sync_statuses(
    session: Session, *, integration_id: int, commit: Checkpoint, turn: Callable[[str, str], None]
) -> StatusStats:
    """Ask about everybody in the workspace who was not asked about lately."""
    stats = StatusStats()
    integration = health.locked(session, integration_id=integration_id)
    if not integration.is_enabled or integration.team_id is None:
        return StatusStats(skipped="Slack is to be connected again.")
    slack, access_token = Slack(team_id=integration.team_id, turn=turn), integration.access_token
    old = or_(SlackBinding.checked_at.is_(None), SlackBinding.checked_at < db_now(session) - FRESH)
    due = select(SlackBinding).where(SlackBinding.integration_id == integration_id, old)
    bindings = session.scalars(due.order_by(SlackBinding.id)).all()
    asked = [(binding.id, binding.slack_user_id) for binding in bindings]
    commit()
    for binding_id, slack_user_id in asked:
        try:
            status = slack.status(access_token, user_id=slack_user_id)
        except GrantRevoked as error:
            health.revoked(session, health.locked(session, integration_id=integration_id), error=error)
            stats.skipped = str(error)
            return stats
        except ProviderRefused:
            stats.refused += 1
            status = None
        stats.asked += 1
        stats.changed += note(session, binding_id=binding_id, status=status)
        commit()
    return stats


def note(session: Session, *, binding_id: int, status: SlackStatus | None) -> bool:
    """Store what somebody says, if that is known; whether it is something else than before."""
    locked = select(SlackBinding).where(SlackBinding.id == binding_id).with_for_update()
    binding = session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    if binding is None:
        return False
    now = db_now(session)
    binding.checked_at = now
    if status is None:
        return False
    before = binding.status_text, binding.status_emoji, binding.status_ends_at
    is_first = binding.status_text is None
    if before == (status.text, status.emoji, status.ends_at):
        return False
    binding.status_text, binding.status_emoji = status.text, status.emoji
    binding.status_ends_at = status.ends_at
    if is_first and not status.text and not status.emoji:
        return False
    session.add(
        SlackStatusChange(
            binding_id=binding_id,
            status_text=status.text,
            status_emoji=status.emoji,
            status_ends_at=status.ends_at,
            seen_at=now,
        )
    )
    return True
