"""Writes down who signed in, and who was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from app.db.sessions import transaction
from app.domains.audit.facts import LoginStatus
from app.domains.audit.service import record_login
from app.http.client_addresses import address_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from starlette.types import Scope

    from app.domains.accounts.sessions.errors import SignInRefused


def note_success(session: Session, scope: Scope, *, email: str, user_id: int, message: str = "") -> None:
    """Have it written that a user signed in, if the session's transaction commits."""
    record_login(
        session,
        status=LoginStatus.SUCCESS,
        user_name=email,
        user_id=user_id,
        message=message,
        address=address_of(scope),
        user_agent=Headers(scope=scope).get("user-agent"),
    )


def note_refusal(scope: Scope, *, email: str, refusal: SignInRefused) -> None:
    """Have it written that a password was tried in vain. The pauses bound how often that can be."""
    with transaction() as session:
        record_login(
            session,
            status=LoginStatus.FAILURE,
            user_name=email,
            message=str(refusal),
            address=address_of(scope),
            user_agent=Headers(scope=scope).get("user-agent"),
        )
