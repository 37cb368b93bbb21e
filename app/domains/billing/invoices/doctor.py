"""Checks of what is not charged."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select

from app.db.sessions import reading
from app.domains.billing.models import Client, Project
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from app.health.doctor.finding import Finding
from app.settings.business_clock import business_now

ABOUT = "invoices"
#: So many clients are named.
MAX_NAMED = 5
#: By then the nightly run has charged a month, wherever its clients are.
CHARGED_AFTER = timedelta(days=2)


def work_is_charged() -> Finding:
    """Whether approved time of a month that is over is on an invoice."""
    entries = func.count(TimeEntry.id)
    rows = (
        select(Client.id, Client.name, entries)
        .join(Project, Project.client_id == Client.id)
        .join(TimeEntry, TimeEntry.project_id == Project.id)
        .where(Project.is_billable, Client.ended_at.is_(None))
        .where(TimeEntry.state == EntryState.APPROVED, TimeEntry.started_at < _over())
        .group_by(Client.id)
        .order_by(Client.id)
    )
    with reading() as session:
        found = session.execute(rows).all()
    if not found:
        return Finding.ok(ABOUT, "All approved time of months that are over is charged.")
    named = ", ".join(f"{count} of client {id_} ({name})" for id_, name, count in found[:MAX_NAMED])
    more = f" and of {len(found) - MAX_NAMED} other clients" if len(found) > MAX_NAMED else ""
    return Finding.warning(
        ABOUT,
        f"Approved time entries of months that are over are on no invoice: {named}{more}.",
        fix="See why: groundwork alerts list, and the issues of the entries. Then make the month again: "
        "POST /api/v1/invoices/generate?period=YYYY-MM",
    )


def _over() -> datetime:
    first = (business_now() - CHARGED_AFTER).date().replace(day=1)
    return datetime.combine(first, time(), tzinfo=UTC) - CHARGED_AFTER / 2


CHECKS = (work_is_charged,)
