"""What a person takes along to a provider, and brings back: once, in time, and only they."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from app.db.clock import now as db_now
from app.domains.billing.integrations.errors import InvalidState
from app.domains.billing.integrations.models import OAuthState
from app.domains.billing.integrations.oauth.grants import new_verifier

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.domains.billing.integrations.facts import Provider

#: How long a person may take to allow the access.
LIFE = timedelta(minutes=15)
#: So many that were never brought back are deleted with each new one.
SWEPT = 100


@dataclass(frozen=True, kw_only=True)
class Departure:
    """What goes along: the state for all to see, and the secret that stays here."""

    state: str
    verifier: str = field(repr=False)


def begin(session: Session, *, user_id: int, provider: Provider) -> Departure:
    """Send a person on the way."""
    now = db_now(session)
    old = select(OAuthState.id).where(OAuthState.expires_at < now).limit(SWEPT)
    session.execute(delete(OAuthState).where(OAuthState.id.in_(old)))
    departure = Departure(state=secrets.token_urlsafe(32), verifier=new_verifier())
    session.add(
        OAuthState(
            id=_digest(departure.state),
            user_id=user_id,
            provider=provider,
            verifier=departure.verifier,
            expires_at=now + LIFE,
        )
    )
    return departure


def redeem(session: Session, *, state: str, user_id: int, provider: Provider) -> str:
    """The secret that belongs to a state, which is good no more from here on. Raises `InvalidState`.

    The caller commits before the code is exchanged, so that none is tried twice.
    """
    gone = delete(OAuthState).where(OAuthState.id == _digest(state), OAuthState.user_id == user_id)
    columns = (OAuthState.provider, OAuthState.verifier, OAuthState.expires_at)
    row = session.execute(gone.returning(*columns)).one_or_none()
    if row is None:
        # Also that of another person, who keeps it.
        raise InvalidState(problem="you did not begin it, or it was completed before")
    if row.expires_at < db_now(session):
        raise InvalidState(problem=f"it took longer than {LIFE.total_seconds() / 60:.0f} minutes")
    if row.provider != provider:
        raise InvalidState(problem=f"it was begun at {row.provider}")
    return str(row.verifier)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()
