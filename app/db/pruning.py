"""Forgets rows that are older than finished jobs are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete

from app.db.clock import now
from app.settings.config import settings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import CursorResult, Select
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


BATCH = 1_000


def kept_since(session: Session) -> datetime:
    """What ended before is forgotten (`GROUNDWORK_RETENTION_DAYS`)."""
    return now(session) - timedelta(days=settings().retention_days)


def prune(session: Session, ids: Select[int] | Select[str], *, commit: Checkpoint) -> int:
    """Delete the rows of a table whose ids are selected; how many. Each `BATCH` is committed by itself."""
    table = ids.column_descriptions[0]["entity"]
    total = 0
    while True:
        statement = delete(table).where(table.id.in_(ids.limit(BATCH)))
        deleted = session.execute(statement.execution_options(synchronize_session=False))
        gone = cast("CursorResult[Any]", deleted).rowcount
        commit()
        total += gone
        if gone < BATCH:
            return total
