"""Accounts that are connected, and what is stored of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.integrations import checking, syncing
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.models import Health, Integration, SlackBinding, SyncedEvent
from app.domains.notifications.models import Notification
from tests.checkpoints import committing
from tests.domains.accounts.people import add_person
from tests.fakes.slack import TEAM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domains.billing.integrations.syncing import SyncStats
    from tests.domains.billing.integrations.sides import Side
    from tests.fakes.slack import SlackServer


def now() -> datetime:
    return datetime.now(UTC)


def connect(side: Side, *, email: str = "ada@example.com", **changes: Any) -> int:
    """An account of a new user that was connected; its id."""
    access_token, refresh_token = side.server.oauth.sign_in()
    provider = Provider.GOOGLE if side.name == "Google" else Provider.OUTLOOK
    return store(
        user_id=add_person(email),
        provider=provider,
        access_token=access_token,
        refresh_token=refresh_token,
        **{"expires_at": now() + timedelta(hours=1), **changes},
    )


def connect_slack(slack: SlackServer, *slack_user_ids: str) -> int:
    """A workspace that was connected, with members whose statuses are noted."""
    user_id = add_person()
    integration_id = store(
        user_id=user_id, provider=Provider.SLACK, access_token=slack.sign_in(), team_id=TEAM
    )
    with transaction() as session:
        for slack_user_id in slack_user_ids:
            session.add(
                SlackBinding(integration_id=integration_id, user_id=user_id, slack_user_id=slack_user_id)
            )
    return integration_id


def store(**values: Any) -> int:
    """An account that was connected, as it is stored; its id."""
    usual = {
        "account_id": "account-1",
        "account_name": "Ada",
        "generation": 1,
        "is_enabled": True,
        "health": Health.HEALTHY,
        "failures": 0,
        "changes": 0,
        "readings": 0,
        "created_at": now(),
    }
    with transaction() as session:
        made = Integration(**usual | values)
        session.add(made)
        session.flush()
        return made.id


def integration(id_: int) -> Integration:
    with reading() as session:
        return session.get_one(Integration, id_)


def change(id_: int, **values: Any) -> None:
    """Set columns of an integration."""
    with transaction() as session:
        row = session.get_one(Integration, id_)
        for name, value in values.items():
            setattr(row, name, value)


def events(id_: int) -> dict[str, SyncedEvent]:
    """What is stored of a calendar, by the provider's ids."""
    with reading() as session:
        rows = session.scalars(select(SyncedEvent).where(SyncedEvent.integration_id == id_))
        return {row.event_id: row for row in rows.all()}


def present(id_: int) -> set[str]:
    """The ids of events that are stored and not gone."""
    return {event_id for event_id, row in events(id_).items() if not row.is_deleted}


def told() -> Sequence[str]:
    """The titles of what people were told."""
    with reading() as session:
        return session.scalars(select(Notification.title).order_by(Notification.id)).all()


def sync(id_: int) -> SyncStats:
    """One attempt of a sync in this process, as a job would make it."""
    with Session(engine(), expire_on_commit=False) as session:
        stats = syncing.sync_calendar(session, integration_id=id_, commit=committing(session), now=now)
        session.commit()
        return stats


def check(id_: int) -> str:
    """One check of how a connection is."""
    with Session(engine(), expire_on_commit=False) as session:
        found = checking.check(session, integration_id=id_, commit=committing(session), now=now)
        session.commit()
        return found
