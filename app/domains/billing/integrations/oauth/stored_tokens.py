"""The tokens of an integration in the database, for all processes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, update

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.domains.billing.integrations.errors import IntegrationNotFound, TokensReplaced
from app.domains.billing.integrations.models import Integration
from app.domains.billing.integrations.oauth.refreshing import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.domains.billing.integrations.oauth.grants import Grant

#: Longer than a refresh can take (`calling.BOUNDS`): after that, whoever began it is gone.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class StoredTokens:
    """A `TokenStore`. Its transactions are its own, so that nothing else may be uncommitted meanwhile.

    What a provider gave is kept whatever becomes of the job that asked: the last refresh token may be void.
    """

    integration_id: int

    def read(self) -> Tokens:
        """What is stored now. Raises `IntegrationNotFound`."""
        with reading() as session:
            return self._tokens(session)

    @contextmanager
    def alone(self) -> Iterator[Tokens]:
        """What is stored, while no other process refreshes it. Raises `TokensReplaced` if one does."""
        with transaction() as session:
            now = db_now(session)
            is_free = or_(Integration.refreshing_until.is_(None), Integration.refreshing_until <= now)
            until = now + LEASE
            if not self._update(session, is_free, refreshing_until=until):
                raise TokensReplaced(integration_id=self.integration_id)
            tokens = self._tokens(session)
        try:
            yield tokens
        finally:
            with transaction() as session:
                # Another's lease is not ended by one that came late.
                self._update(session, Integration.refreshing_until == until, refreshing_until=None)

    def replace(self, old: Tokens, grant: Grant) -> Tokens:
        """Store `grant` for good, unless `old` is there no longer; what is stored then."""
        with transaction() as session:
            self._update(
                session,
                Integration.generation == old.generation,
                access_token=grant.access_token,
                refresh_token=grant.refresh_token or old.refresh_token,
                expires_at=grant.expires_at,
                generation=old.generation + 1,
            )
            return self._tokens(session)

    def _tokens(self, session: Session) -> Tokens:
        row = session.get(Integration, self.integration_id, populate_existing=True)
        if row is None or row.refresh_token is None or row.expires_at is None:
            raise IntegrationNotFound(integration_id=self.integration_id)
        return Tokens(
            access_token=row.access_token,
            refresh_token=row.refresh_token,
            expires_at=row.expires_at,
            generation=row.generation,
        )

    def _update(self, session: Session, condition: ColumnElement[bool], **values: object) -> bool:
        mine = Integration.id == self.integration_id
        changed = update(Integration).where(mine, condition).values(**values).returning(Integration.id)
        return session.execute(changed).scalar_one_or_none() is not None
