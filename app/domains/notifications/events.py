"""How much a user has to read, as server-sent events."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from app.domains.notifications import inbox
from app.domains.notifications.schemas import UnreadView
from app.http import streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import Request
    from sqlalchemy.orm import Session


async def unread_events(user_id: int, *, request: Request) -> AsyncIterator[dict[str, Any]]:
    """An event `unread` now and at each change."""

    def look(session: Session) -> UnreadView:
        return UnreadView.model_validate(inbox.unread(session, user_id=user_id))

    async with aclosing(streams.changes(look, request=request)) as changes:
        async for unread in changes:
            yield streams.event("unread", unread)
