"""Reads what changed in a calendar, page by page: what a page told is committed with where to go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from app.db.clock import now as db_now
from app.domains.accounts.service import person
from app.domains.billing.integrations import applying, cursors, health
from app.domains.billing.integrations.calendars import calendar_of, client_of, pages
from app.domains.billing.integrations.cursors import Cursor
from app.domains.billing.integrations.errors import EndlessPages, GrantRevoked, SyncTokenExpired
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.oauth import grants
from app.domains.billing.integrations.oauth.refreshing import Access
from app.domains.billing.integrations.oauth.stored_tokens import StoredTokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.billing.integrations.calendars import Calendar
    from app.domains.billing.integrations.facts import Changes
    from app.domains.billing.integrations.oauth.grants import Grant

log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class SyncStats:
    """What a sync found."""

    events: int = 0
    removed: int = 0
    unreadable: int = 0
    pages: int = 0
    #: Why nothing was read, if so.
    skipped: str | None = field(default=None)


def access_of(provider: Provider, *, integration_id: int, now: Callable[[], datetime]) -> Access:
    """The way to call a provider with the tokens of an integration."""

    def refresh(refresh_token: str) -> Grant:
        return grants.refresh(client_of(provider), refresh_token=refresh_token, now=now())

    return Access(store=StoredTokens(integration_id=integration_id), refresh=refresh, now=now)


def sync_calendar(
    session: Session, *, integration_id: int, commit: Checkpoint, now: Callable[[], datetime]
) -> SyncStats:
    """Read what changed since the last sync. A permission that is gone ends it, other failures raise."""
    integration = health.locked(session, integration_id=integration_id)
    provider = Provider(integration.provider)
    if not integration.is_enabled:
        return SyncStats(skipped=f"{health.NAMES[provider]} is to be connected again.")
    zone = ZoneInfo(person(session, user_id=integration.user_id).timezone)
    reading = _Reading(
        session=session,
        integration_id=integration_id,
        commit=commit,
        calendar=calendar_of(provider, zone=zone),
        access=access_of(provider, integration_id=integration_id, now=now),
        provider=provider,
    )
    token = integration.sync_token
    commit()
    try:
        reading.read(token, now=now())
    except GrantRevoked as error:
        health.revoked(session, health.locked(session, integration_id=integration_id), error=error)
        reading.stats.skipped = str(error)
    return reading.stats


@dataclass(kw_only=True)
class _Reading:
    """One run through the pages of a calendar."""

    session: Session
    integration_id: int
    commit: Checkpoint
    calendar: Calendar
    access: Access
    provider: Provider
    stats: SyncStats = field(default_factory=SyncStats)

    def read(self, token: str | None, *, now: datetime) -> None:
        """From `token` to the last page; from the beginning where the provider does not know it any more."""
        name = health.NAMES[self.provider]
        try:
            cursor = cursors.start(token, now=now, provider=name)
            self._walk(cursor)
        except (SyncTokenExpired, EndlessPages) as error:
            if isinstance(error, EndlessPages) and token is None:
                raise
            log.info("calendar_read_anew", integration_id=self.integration_id, reason=error.code)
            self._forget_token()
            self._walk(Cursor(window=cursors.window_around(now)))

    def _walk(self, cursor: Cursor) -> None:
        is_whole = cursor.sync is None
        place = self._place(begins=is_whole and cursor.page is None)
        for page in pages(self._ask, cursor, provider=health.NAMES[self.provider]):
            applying.apply(self.session, page, place=place)
            self._note(page)
            if is_whole and not page.has_more:
                applying.delete_unnamed(self.session, cursor.window, place=place)
            self._keep_token(page)

    def _ask(self, cursor: Cursor) -> Changes:
        return self.access.call(lambda token: self.calendar.changes(token, cursor))

    def _place(self, *, begins: bool) -> applying.Place:
        integration = health.locked(self.session, integration_id=self.integration_id)
        integration.readings += begins
        place = applying.Place(integration_id=integration.id, reading=integration.readings)
        self.commit()
        return place

    def _note(self, page: Changes) -> None:
        self.stats.pages += 1
        self.stats.events += len(page.events)
        self.stats.removed += len(page.removed)
        self.stats.unreadable += len(page.unreadable)
        for aside in page.unreadable:
            log.warning(
                "event_unreadable", integration_id=self.integration_id, event_id=aside.id, reason=aside.reason
            )

    def _keep_token(self, page: Changes) -> None:
        integration = health.locked(self.session, integration_id=self.integration_id)
        integration.sync_token = page.next_token
        if not page.has_more:
            integration.synced_at = db_now(self.session)
        self.commit()

    def _forget_token(self) -> None:
        health.locked(self.session, integration_id=self.integration_id).sync_token = None
        self.commit()
