"""Carries reminders to Slack as well, for those who connected a workspace: once under the reminder's key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.domains.accounts.service import people
from app.domains.billing.integrations.models import Integration, SlackBinding
from app.domains.billing.integrations.slack.messages import slack_provider
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.outbound.deliveries.service import Outgoing, WhenUncertain, deliver, prepare

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.accounts.facts import Person
    from app.domains.notifications.facts import Notice
    from app.jobs.ledger.new_job import NewJob

CHANNEL = "slack"
SEND_TASK = "time_capture.send_slack_message"
SKIPPED = "skipped"


def request_slack_messages(session: Session, notices: Sequence[Notice], *, now: datetime) -> None:
    """Have notices sent to those who can be reached in Slack and want to be told, after their quiet hours."""
    reached = set(session.scalars(_bindings({notice.user_id for notice in notices})))
    known = people(session, reached)
    jobs = [
        _job(notice, to=known[notice.user_id], now=now)
        for notice in notices
        if notice.user_id in known and known[notice.user_id].preferences.channels_for(notice.type)
    ]
    accept(session, jobs)


def _bindings(user_ids: Collection[int]) -> Select[int]:
    """Who of the users can be reached."""
    return (
        select(SlackBinding.user_id)
        .join(Integration, Integration.id == SlackBinding.integration_id)
        .where(SlackBinding.user_id.in_(user_ids), Integration.is_enabled, Integration.team_id.is_not(None))
        .order_by(SlackBinding.id)
    )


def _job(notice: Notice, *, to: Person, now: datetime) -> NewJob:
    until = to.quiet_until(now)
    return new_job(
        SEND_TASK,
        kwargs={
            "user_id": notice.user_id,
            "key": notice.key,
            "title": notice.title,
            "body": notice.body,
        },
        key=f"slack:{notice.key}",
        # A span and not a moment: the ledger goes by the database's clock.
        delay_seconds=0.0 if until is None else (until - now).total_seconds(),
    )


def send_slack_message(
    session: Session, *, user_id: int, key: str, title: str, body: str, job_id: str, commit: Checkpoint
) -> str:
    """Send a user a message by the workspace that was connected first; what became of it.

    Raises `NotSent`, `Refused` or `Uncertain` (see `app.outbound.deliveries.service.deliver`).
    """
    columns: Any = (SlackBinding.slack_user_id, Integration.access_token, Integration.team_id)
    to = session.execute(_bindings([user_id]).with_only_columns(*columns).limit(1)).one_or_none()
    if to is None:
        return SKIPPED  # it was disconnected meanwhile
    slack_user_id, access_token, team_id = to
    provider = slack_provider(access_token=access_token, team_id=team_id, when_uncertain=WhenUncertain.HOLD)
    delivery = prepare(
        session,
        Outgoing(
            key=f"slack:{key}",
            channel=CHANNEL,
            recipient=slack_user_id,
            subject=title,
            content={"text": f"{title}\n{body}"},
        ),
    )
    return deliver(session, delivery, provider=provider, job_id=job_id, commit=commit).state
