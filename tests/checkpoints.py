"""What stands for a job's checkpoint where a test calls a service without a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


def committing(session: Session) -> Checkpoint:
    """Commit the session at each checkpoint."""

    def checkpoint(progress: Mapping[str, Any] | None = None, /) -> None:
        session.commit()

    return checkpoint


def flushing(session: Session) -> Checkpoint:
    """Leave the end of the transaction to the test."""

    def checkpoint(progress: Mapping[str, Any] | None = None, /) -> None:
        session.flush()

    return checkpoint
