"""What is read at the calendars and workspaces that people connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.billing.integrations.leaving.revoking import end_all
from app.domains.billing.integrations.models import (
    Integration,
    OAuthState,
    SlackBinding,
    SlackStatusChange,
    SyncedEvent,
)
from app.personal_data.declaration import Declaration, Delete, PersonalTable, Stage

if TYPE_CHECKING:
    from sqlalchemy import Select

    from app.personal_data.declaration import Subject

SECRET = "It opens the account at the provider to whoever holds it."  # noqa: S105 (it says why)


def _integrations(who: Subject) -> Select[int]:
    return select(Integration.id).where(Integration.user_id == who.user_id)


def _bindings(who: Subject) -> Select[int]:
    return select(SlackBinding.id).where(SlackBinding.user_id == who.user_id)


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=Integration,
            rows=lambda who: Integration.user_id == who.user_id,
            erasure=Delete(),
            withheld={
                "access_token": SECRET,
                "refresh_token": SECRET,
                "sync_token": "It is the provider's mark of where to read on.",
            },
            stage=Stage.ROOTS,
        ),
        PersonalTable(
            model=SyncedEvent,
            rows=lambda who: SyncedEvent.integration_id.in_(_integrations(who)),
            erasure=Delete(),
        ),
        PersonalTable(
            model=OAuthState,
            rows=lambda who: OAuthState.user_id == who.user_id,
            erasure=Delete(),
            withheld={"id": "It is the hash of a secret.", "verifier": SECRET},
        ),
        PersonalTable(
            model=SlackBinding, rows=lambda who: SlackBinding.user_id == who.user_id, erasure=Delete()
        ),
        PersonalTable(
            model=SlackStatusChange,
            rows=lambda who: SlackStatusChange.binding_id.in_(_bindings(who)),
            erasure=Delete(),
        ),
    ),
    sever=lambda session, who: end_all(session, user_id=who.user_id),
)
