"""Forgets sessions and links that have ended, and attempts to sign in that nothing came of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from app.db.clock import clock
from app.db.pruning import kept_since, prune
from app.domains.accounts.models import MailedLink, RefreshToken, SignInAttempts, SignInSession
from app.domains.accounts.sessions.lockout import FORGOTTEN_AFTER

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


def forget_ended(session: Session, *, commit: Checkpoint) -> dict[str, int]:
    """Delete what is good for nothing any more, in batches; how many of each there were."""
    since = kept_since(session)
    # An expired one is no trace of anything; one that was ended is kept as long as jobs are.
    over = or_(SignInSession.expires_at < clock(), SignInSession.ended_at < since)
    tokens = select(RefreshToken.id).join(SignInSession, SignInSession.id == RefreshToken.session_id)
    idle = SignInAttempts.last_at < clock(-FORGOTTEN_AFTER.total_seconds())
    return {
        "refresh_tokens": prune(session, tokens.where(over), commit=commit),
        "sessions": prune(session, select(SignInSession.id).where(over), commit=commit),
        "links": prune(session, select(MailedLink.id).where(MailedLink.expires_at < clock()), commit=commit),
        "attempts": prune(session, select(SignInAttempts.id).where(idle), commit=commit),
    }
