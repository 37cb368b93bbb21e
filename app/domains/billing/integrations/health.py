"""How a connection is, and telling the person when that changes. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.clock import now as db_now
from app.domains.billing.integrations.errors import IntegrationNotFound
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.models import Health, Integration
from app.domains.notifications.service import notify

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: Failed checks after which a connection is no longer called healthy, and after which nothing is hoped for.
DEGRADED_AFTER, BROKEN_AFTER = 2, 6
#: What people call what they have connected.
NAMES = {Provider.GOOGLE: "Google Calendar", Provider.OUTLOOK: "Outlook", Provider.SLACK: "Slack"}
_TITLES = {
    Health.HEALTHY: "{name} works again",
    Health.DEGRADED: "{name} does not answer",
    Health.BROKEN: "{name} is not read any more",
}


def locked(session: Session, *, integration_id: int) -> Integration:
    """The integration, held until the transaction ends. Raises `IntegrationNotFound`."""
    statement = select(Integration).where(Integration.id == integration_id).with_for_update()
    found = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise IntegrationNotFound(integration_id=integration_id)
    return found


def well(session: Session, integration: Integration) -> None:
    """A check went well."""
    integration.failures, integration.error = 0, None
    _become(session, integration, Health.HEALTHY, sentence="It is read as before.")


def failed(session: Session, integration: Integration, *, error: Exception) -> None:
    """A check failed, and the next may not."""
    integration.failures += 1
    integration.error = str(error)
    if integration.failures >= BROKEN_AFTER:
        _become(session, integration, Health.BROKEN, sentence=f"{error} It is tried again every hour.")
    elif integration.failures >= DEGRADED_AFTER and integration.health != Health.BROKEN:
        _become(session, integration, Health.DEGRADED, sentence=f"{error} It is tried again.")


def revoked(session: Session, integration: Integration, *, error: Exception) -> None:
    """The permission is gone: nothing is asked any more until the person connects the account again."""
    integration.is_enabled, integration.error = False, str(error)
    sentence = f"The access was taken back or ran out. Connect it again to go on. ({error})"
    _become(session, integration, Health.BROKEN, sentence=sentence)


def connected(session: Session, integration: Integration) -> None:
    """The person has given the permission, for the first time or again."""
    integration.is_enabled, integration.failures, integration.error = True, 0, None
    _become(session, integration, Health.HEALTHY, sentence="It is read again.")


def _become(session: Session, integration: Integration, health: Health, *, sentence: str) -> None:
    integration.checked_at = db_now(session)
    if integration.health == health:
        return
    integration.health = health
    integration.changes += 1
    # What is told goes out with the new state, or not at all.
    session.flush()
    name = NAMES[Provider(integration.provider)]
    notify(
        session,
        key=f"integration-health:{integration.id}:{integration.changes}",
        user_id=integration.user_id,
        type="integration_health",
        title=_TITLES[health].format(name=name),
        body=f"{name} ({integration.account_name or integration.account_id}): {sentence}",
        data={"integration_id": integration.id, "health": health},
    )
