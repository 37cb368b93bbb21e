"""Connects a person's account at a provider, and takes it away again. Nothing here commits."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.db.clock import now as db_now
from app.db.upsert import insert_or_update
from app.domains.accounts.service import person
from app.domains.billing.integrations import health
from app.domains.billing.integrations.calendars import calendar_of, client_of
from app.domains.billing.integrations.errors import (
    IntegrationNotFound,
    NoRedirectUrl,
    ProviderRefused,
    ProviderUnavailable,
)
from app.domains.billing.integrations.facts import Provider, SlackTeam
from app.domains.billing.integrations.google import sign_in as google
from app.domains.billing.integrations.models import Health, Integration, SlackBinding
from app.domains.billing.integrations.oauth import grants, states
from app.domains.billing.integrations.slack import sign_in as slack
from app.domains.billing.integrations.slack.client import Slack
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.billing.integrations.facts import Account
    from app.domains.billing.integrations.oauth.grants import Grant


@dataclass(frozen=True, kw_only=True)
class Connected:
    """What a person has allowed: the account, and the tokens for it."""

    account: Account
    access_token: str = field(repr=False)
    grant: Grant | None


def begin(session: Session, *, user_id: int, provider: Provider) -> str:
    """Where the person goes to allow the access. Raises `NotConfigured` and `NoRedirectUrl`."""
    redirect_url = settings().oauth_redirect_url
    if not redirect_url:
        raise NoRedirectUrl
    if provider is Provider.SLACK:
        state = states.begin(session, user_id=user_id, provider=provider).state
        return slack.authorization_url(redirect_url=redirect_url, state=state)
    client = client_of(provider)
    departure = states.begin(session, user_id=user_id, provider=provider)
    return grants.authorization_url(
        client, redirect_url=redirect_url, state=departure.state, verifier=departure.verifier
    )


def exchange(provider: Provider, *, code: str, verifier: str, timezone: str, now: datetime) -> Connected:
    """What the way back stands for. The provider is asked, and no transaction is to be open meanwhile."""
    redirect_url = settings().oauth_redirect_url
    if provider is Provider.SLACK:
        taken = slack.exchange(code=code, redirect_url=redirect_url)
        return Connected(account=taken.team, access_token=taken.access_token, grant=None)
    grant = grants.exchange(
        client_of(provider), code=code, verifier=verifier, redirect_url=redirect_url, now=now
    )
    account = calendar_of(provider, zone=ZoneInfo(timezone)).account(grant.access_token)
    return Connected(account=account, access_token=grant.access_token, grant=grant)


def timezone_of(session: Session, *, user_id: int) -> str:
    """The clock of a person. Raises `UserNotFound`."""
    return person(session, user_id=user_id).timezone


def store(session: Session, *, user_id: int, provider: Provider, connected: Connected) -> Integration:
    """Keep the access; that to an account which was connected before takes the place of the old one."""
    account = connected.account
    team = account if isinstance(account, SlackTeam) else None
    account_id = f"{team.team_id}:{team.id}" if team else account.id
    statement = insert_or_update(session, Integration).values(
        user_id=user_id,
        provider=provider,
        account_id=account_id,
        account_name=team.team_name if team else account.name,
        team_id=team.team_id if team else None,
        access_token=connected.access_token,
        refresh_token=connected.grant.refresh_token if connected.grant else None,
        expires_at=connected.grant.expires_at if connected.grant else None,
        generation=1,
        is_enabled=True,
        health=Health.HEALTHY,
        failures=0,
        changes=0,
        readings=0,
        created_at=db_now(session),
    )
    new = statement.excluded
    tokens = {name: new[name] for name in ("account_name", "access_token", "refresh_token", "expires_at")}
    keep = statement.on_conflict_do_update(
        index_elements=[Integration.user_id, Integration.provider, Integration.account_id],
        # Whoever refreshes the old tokens now is too late.
        set_={**tokens, "generation": Integration.generation + 1},
    )
    id_ = session.scalars(keep.returning(Integration.id)).one()
    integration = health.locked(session, integration_id=id_)
    health.connected(session, integration)
    if team:
        _bind(session, integration, slack_user_id=team.id)
    return integration


def integrations_of(session: Session, *, user_id: int) -> Sequence[Integration]:
    """What a person has connected."""
    found = select(Integration).where(Integration.user_id == user_id)
    return session.scalars(found.order_by(Integration.id)).all()


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What is left of an account that was taken away: the permission, if nobody else here stands on it."""

    provider: Provider
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    team_id: str | None
    is_shared: bool


def remove(session: Session, *, user_id: int, integration_id: int) -> Removed:
    """Forget an account with all that was read there. Raises `IntegrationNotFound`."""
    found = session.get(Integration, integration_id)
    if found is None or found.user_id != user_id:
        raise IntegrationNotFound(integration_id=integration_id)
    removed = permission_of(session, found)
    session.delete(found)
    return removed


def permission_of(session: Session, found: Integration) -> Removed:
    """What there is to be taken back of an account."""
    # A workspace has one permission for all of its members, as an account has for all who connected it.
    alike = Integration.account_id == found.account_id
    if found.team_id is not None:
        alike = Integration.team_id == found.team_id
    others = select(Integration.id).where(
        Integration.provider == found.provider, alike, Integration.id != found.id
    )
    return Removed(
        provider=Provider(found.provider),
        access_token=found.access_token,
        refresh_token=found.refresh_token,
        team_id=found.team_id,
        is_shared=session.scalar(others.limit(1)) is not None,
    )


def give_back(removed: Removed) -> None:
    """Take the permission back at the provider, as far as it lets us; no transaction is to be open meanwhile.

    Microsoft offers nothing for it: people do that in the settings of their account.
    """
    if removed.is_shared:
        return
    # It may be gone already, and a provider that is down must not hold up who wants to be rid of it.
    with suppress(ProviderRefused, ProviderUnavailable):
        if removed.provider is Provider.GOOGLE and removed.refresh_token is not None:
            google.revoke(removed.refresh_token)
        elif removed.provider is Provider.SLACK:
            Slack(team_id=removed.team_id or "").revoke(removed.access_token)


def _bind(session: Session, integration: Integration, *, slack_user_id: str) -> None:
    statement = insert_or_update(session, SlackBinding).values(
        integration_id=integration.id, user_id=integration.user_id, slack_user_id=slack_user_id
    )
    session.execute(
        statement.on_conflict_do_nothing(
            index_elements=[SlackBinding.integration_id, SlackBinding.slack_user_id]
        )
    )
