"""Time entries of a tenant, by what one looks for, in pages that stay right while entries are added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select

from app.db.pages import page_of
from app.domains.billing.models import Client, Project
from app.domains.billing.time_capture.errors import EntryNotFound
from app.domains.billing.time_capture.models import EntryState, TimeEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.db.pages import Page
    from app.domains.billing.charging.periods import Period


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What one looks for; what is None does not matter."""

    #: By the clients' clocks, as invoices go by it.
    period: Period | None = None
    client_id: int | None = None
    project_id: int | None = None
    user_id: int | None = None
    state: EntryState | None = None
    #: Entries that came later are left out.
    upto_id: int | None = None


def entries(
    session: Session,
    *,
    tenant_id: int,
    wanted: Wanted,
    only_worker: int | None,
    before: int | None,
    limit: int,
) -> Page:
    """The entries of a tenant that are `wanted`, the last stored first; only what `only_worker` worked."""
    rows = _shown().where(*conditions(session, tenant_id=tenant_id, wanted=wanted))
    if only_worker is not None:
        rows = rows.where(TimeEntry.user_id == only_worker)
    if before is not None:
        rows = rows.where(TimeEntry.id < before)
    found = session.execute(rows.order_by(TimeEntry.id.desc()).limit(limit + 1)).all()
    return page_of(found, limit=limit)


def shown(session: Session, *, entry_id: int) -> Any:
    """One entry as lists have it. Raises `EntryNotFound`."""
    found = session.execute(_shown().where(TimeEntry.id == entry_id)).one_or_none()
    if found is None:
        raise EntryNotFound(entry_id=entry_id)
    return found


def _shown() -> Select[*tuple[Any, ...]]:
    columns = (*TimeEntry.__table__.columns, Project.client_id, Project.is_billable)
    return (
        select(*columns)
        .join(Project, Project.id == TimeEntry.project_id)
        .join(Client, Client.id == Project.client_id)
    )


def conditions(session: Session, *, tenant_id: int, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """What a statement that joins `Project` and `Client` asks of the entries of a tenant."""
    yield Client.tenant_id == tenant_id
    if wanted.client_id is not None:
        yield Client.id == wanted.client_id
    for column, value in (
        (TimeEntry.project_id, wanted.project_id),
        (TimeEntry.user_id, wanted.user_id),
        (TimeEntry.state, wanted.state),
    ):
        if value is not None:
            yield column == value
    if wanted.upto_id is not None:
        yield TimeEntry.id <= wanted.upto_id
    if wanted.period is not None:
        yield _in_period(session, tenant_id=tenant_id, period=wanted.period)


def _in_period(session: Session, *, tenant_id: int, period: Period) -> ColumnElement[bool]:
    """Each entry by the clock of its client; a tenant's clients have a handful of clocks."""
    zones = select(Client.timezone).where(Client.tenant_id == tenant_id).distinct()
    spans = {zone: period.instants(ZoneInfo(zone)) for zone in session.scalars(zones)}
    if not spans:
        return TimeEntry.id.is_(None)
    # The widest of all once more, for the indexes.
    first, last = min(span[0] for span in spans.values()), max(span[1] for span in spans.values())
    return and_(
        TimeEntry.started_at >= first,
        TimeEntry.started_at < last,
        or_(
            *(
                and_(Client.timezone == zone, TimeEntry.started_at >= begin, TimeEntry.started_at < end)
                for zone, (begin, end) in spans.items()
            )
        ),
    )
