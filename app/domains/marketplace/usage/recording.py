"""Takes what is told of models, by clients, by jobs and by the marketplace itself. Nothing here commits.

What the marketplace tells has ids with a slash, which no client can give.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.clock import now as db_now
from app.domains.marketplace.catalog.models import SoftwareModel
from app.domains.marketplace.catalog.service import find_model
from app.domains.marketplace.usage.counting import REMEMBERED, Event, begin_of, count
from app.domains.marketplace.usage.models import Span, UsageKind
from app.jobs.ledger.models import Job
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.marketplace.licences.models import Licence
    from app.domains.marketplace.orders.models import Order, OrderLine

#: The clocks of those who tell may be fast by so much.
AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event as a client tells it; without a time, it happened just now."""

    id: str
    model_id: int
    kind: UsageKind
    happened_at: datetime | None


def take(session: Session, told: Sequence[Told], *, now: datetime) -> int:
    """Count what clients tell, all of it or nothing; how many were not known before.

    Raises `InvalidFields`, which names what cannot be taken.
    """
    models = {one.model_id for one in told}
    known = set(session.scalars(select(SoftwareModel.id).where(SoftwareModel.id.in_(models))))
    errors = [
        FieldError(detail=problem, pointer=f"/events/{at}/{field}")
        for at, one in enumerate(told)
        for field, problem in _problems(one, known=known, now=now)
    ]
    if errors:
        raise InvalidFields(errors)
    events = [
        Event(id=one.id, model_id=one.model_id, kind=one.kind, happened_at=one.happened_at or now)
        for one in told
    ]
    return count(session, events, now=now)


def take_from_job(session: Session, *, model_id: int, kind: UsageKind, job_id: str, now: datetime) -> int:
    """Count what a job tells, once however often it runs, when it was accepted. Raises `ModelNotFound`."""
    find_model(session, model_id=model_id)
    accepted_at = session.scalar(select(Job.accepted_at).where(Job.id == job_id))
    # The ledger goes by the database's clock, and what is counted by that of the business.
    waited = db_now(session) - accepted_at if accepted_at else timedelta()
    event = Event(id=f"job/{job_id}", model_id=model_id, kind=kind, happened_at=now - waited)
    return count(session, [event], now=now)


def purchased(session: Session, order: Order, lines: Sequence[OrderLine], *, now: datetime) -> None:
    """Count an order that was just paid, once for each model in it."""
    events = [
        Event(id=f"order/{order.id}/{model_id}", model_id=model_id, kind=UsageKind.PURCHASE, happened_at=now)
        for model_id in {line.model_id for line in lines}
    ]
    count(session, events, now=now)


def downloaded(session: Session, licence: Licence, *, version_id: int, now: datetime) -> None:
    """Count a link to a version's file. It is good for an hour: another of that hour is the same download."""
    hour = begin_of(Span.HOUR, now)
    event = Event(
        id=f"licence/{licence.id}/{version_id}/{hour:%Y%m%dT%H}",
        model_id=licence.model_id,
        kind=UsageKind.DOWNLOAD,
        happened_at=now,
    )
    count(session, [event], now=now)


def _problems(told: Told, *, known: Collection[int], now: datetime) -> Iterator[tuple[str, str]]:
    if told.model_id not in known:
        yield "model_id", f"There is no model with the id {told.model_id}."
    at = told.happened_at
    if at is not None and at < now - REMEMBERED:
        since = f"{at.isoformat()} is over {REMEMBERED.days} days ago"
        yield "happened_at", f"{since}: whether the event was counted is no longer known. Leave it out."
    if at is not None and at > now + AHEAD:
        yield "happened_at", f"{at.isoformat()} is still to come. Set the clock of whoever tells it right."
