"""What the commands of `groundwork billing` do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.db.sessions import reading, transaction
from app.domains.billing.tenants import tenant
from app.domains.billing.time_capture import deciding, listing
from app.domains.billing.time_capture.imports.files import Source, import_entries
from app.domains.billing.time_capture.imports.naming import Importer
from app.domains.billing.time_capture.models import EntryState
from app.domains.billing.time_capture.schemas import EntryView
from app.settings.business_clock import business_now

if TYPE_CHECKING:
    from pathlib import Path

    from app.domains.billing.time_capture.imports.loading import Imported
    from app.domains.billing.time_capture.listing import Wanted
    from app.values.csv_file import Problem

_MINUTE_SECONDS = 60


@dataclass(kw_only=True)
class Approved:
    """What became of the entries of a month."""

    decided: int = 0
    unchanged: int = 0
    refused: int = 0


def import_here(path: Path, *, tenant_id: int) -> tuple[list[Problem], Imported]:
    """Import a file; the rows that were left out, and what became of the others."""
    _check_tenant(tenant_id)
    problems: list[Problem] = []
    done = import_entries(
        Source.of_file(path),
        importer=Importer(tenant_id=tenant_id, user_id=None, only_worker=None),
        transaction=transaction,
        now=business_now(),
        tell=problems.append,
    )
    return problems, done


def listed(wanted: Wanted, *, tenant_id: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Entries for a table or as JSON, and whether there are more."""
    _check_tenant(tenant_id)
    with reading() as session:
        page = listing.entries(
            session, tenant_id=tenant_id, wanted=wanted, only_worker=None, before=None, limit=limit
        )
    return [_as_row(row) for row in page.rows], page.next is not None


def approve_here(wanted: Wanted, *, tenant_id: int, at_once: int) -> Approved:
    """Approve what is pending, part by part; what comes meanwhile is left out."""
    _check_tenant(tenant_id)
    with reading() as session:
        wanted = deciding.frozen(session, tenant_id=tenant_id, wanted=wanted)
    decision = deciding.Decision(state=EntryState.APPROVED, by=None, at=business_now())
    found = Approved()
    after: int | None = 0
    while after is not None:
        with transaction() as session:
            part = deciding.decide_wanted(
                session,
                tenant_id=tenant_id,
                wanted=wanted,
                decision=decision,
                after=after,
                at_most=at_once,
            )
        found.decided += part.decided
        found.unchanged += part.unchanged
        found.refused += part.refused
        after = part.next
    return found


def _check_tenant(tenant_id: int) -> None:
    with reading() as session:
        tenant(session, tenant_id=tenant_id)


def _as_row(row: Any) -> dict[str, Any]:
    view = EntryView.of(row).model_dump(mode="json")
    shown = {
        "started": f"{row.started_at:%Y-%m-%d %H:%M}Z",
        "minutes": view["seconds"] // _MINUTE_SECONDS,
        "billable": "yes" if row.is_billable else "no",
    }
    return view | shown
