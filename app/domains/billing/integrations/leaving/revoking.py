"""Takes permissions of accounts back at their providers as deliveries, whoever is down meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.billing.integrations import connecting
from app.domains.billing.integrations.errors import ProviderRefused, ProviderUnavailable
from app.domains.billing.integrations.facts import Provider as ProviderName
from app.domains.billing.integrations.google import sign_in as google
from app.domains.billing.integrations.models import Integration
from app.domains.billing.integrations.slack.client import Slack
from app.jobs.celery.application import celery_app
from app.jobs.ledger.seal import seal, unseal
from app.outbound.deliveries import service as deliveries
from app.outbound.deliveries.errors import NotSent
from app.outbound.deliveries.outcome import HandOver, Outcome
from app.outbound.deliveries.service import Limit, Outgoing, Provider, WhenUncertain

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.billing.integrations.connecting import Removed
    from app.outbound.deliveries.models import Delivery

REVOKE_TASK = "integrations.revoke_access"
CHANNEL = "revocation"
PER_MINUTE = 50
#: Microsoft offers nothing for it: people do that in the settings of their account.
REVOCABLE = (ProviderName.GOOGLE, ProviderName.SLACK)


def end_all(session: Session, *, user_id: int) -> None:
    """Read nothing more at the accounts of a user, and have their permissions taken back, once."""
    mine = select(Integration).where(Integration.user_id == user_id).order_by(Integration.id)
    for integration in session.scalars(mine.with_for_update()).all():
        integration.is_enabled = False
        removed = connecting.permission_of(session, integration)
        if removed.provider in REVOCABLE and not removed.is_shared:
            _queue(session, removed, integration_id=integration.id)


def revoke(session: Session, *, delivery_id: int, job_id: str, commit: Checkpoint) -> str:
    """Take a permission back; what became of it. Raises `NotSent` while the provider is away."""
    delivery = deliveries.find(session, delivery_id=delivery_id)
    provider = Provider(
        name=delivery.recipient,
        send=_send,
        limit=Limit(name=f"revocation:{delivery.recipient}", per_minute=PER_MINUTE),
        # To take it back a second time changes nothing.
        when_uncertain=WhenUncertain.SEND,
    )
    delivery = deliveries.deliver(session, delivery, provider=provider, job_id=job_id, commit=commit)
    delivery.content = {}
    return delivery.state


def _queue(session: Session, removed: Removed, *, integration_id: int) -> None:
    tokens = [removed.access_token, removed.refresh_token, removed.team_id]
    delivery = deliveries.prepare(
        session,
        Outgoing(
            key=f"revocation:{integration_id}",
            channel=CHANNEL,
            recipient=removed.provider,
            subject="The permission of an account that was disconnected",
            content={"permission": seal(tokens)},
        ),
    )
    celery_app.send_task(REVOKE_TASK, kwargs={"delivery_id": delivery.id}, key=f"revocation:{integration_id}")


def _send(delivery: Delivery, _handover: HandOver) -> Outcome:
    access_token, refresh_token, team_id = unseal(delivery.content["permission"])
    try:
        if delivery.recipient == ProviderName.GOOGLE:
            google.revoke(refresh_token or access_token)
        else:
            # The delivery has taken a turn already.
            Slack(team_id=team_id or "", turn=lambda _method, _team: None).revoke(access_token)
    except ProviderUnavailable as error:
        raise NotSent(str(error)) from error
    except ProviderRefused as error:
        # It is gone already, which is what was wanted.
        return Outcome(provider_id="", refused=str(error))
    return Outcome(provider_id="")
