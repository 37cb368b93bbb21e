"""Attempts at the channels of a notification, as the tasks make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import using
from app.domains.notifications import delivering
from app.domains.notifications.delivering import Try
from tests.checkpoints import committing
from tests.domains.notifications import people

if TYPE_CHECKING:
    from datetime import datetime

    from app.domains.notifications.models import ChannelState


def hand_on(notification_id: int, *, now: datetime = people.NOON, is_last: bool = False) -> ChannelState:
    """Send a notification by mail."""
    with Session(engine(), expire_on_commit=False) as session, using(session):
        this = Try(job_id="job-1", now=now, is_last=is_last, commit=committing(session))
        state = delivering.deliver_email(session, notification_id=notification_id, this=this)
        session.commit()
        return state


def push(notification_id: int, *, now: datetime = people.NOON, is_last: bool = False) -> ChannelState:
    """Send a notification to the user's devices."""
    with Session(engine(), expire_on_commit=False) as session, using(session):
        this = Try(job_id="job-1", now=now, is_last=is_last, commit=committing(session))
        state = delivering.deliver_push(session, notification_id=notification_id, this=this)
        session.commit()
        return state
