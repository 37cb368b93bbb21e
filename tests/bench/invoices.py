"""How long the invoices of a month take, and what memory they need.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.invoices [--clients N]

Starts a PostgreSQL at its usual durability. Each client has a hundred entries of two workers, charged by the
hour with overtime. Prints a tenth of the clients and all of them (1,000) side by side.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.domains.billing.charging.periods import Period
from app.domains.billing.invoices.generating.generation import generate
from app.domains.billing.invoices.models import Invoice, LineEntry
from app.domains.billing.models import BillingRule, Client, Project
from app.domains.billing.time_capture.models import TimeEntry
from app.settings.config import settings
from app.settings.sources import PREFIX
from tests.checkpoints import committing
from tests.domains.billing.invoices.office import HOURLY, MADE, found_office
from tests.servers import PostgresServer

ENTRIES_EACH = 100
KIB_PER_MIB = 1024
OCTOBER = Period(year=2026, month=10)
NOW = datetime(2026, 11, 2, 2, tzinfo=UTC)
OVERTIME = {"overtime_threshold_hours": Decimal(8), "overtime_multiplier": Decimal("1.5")}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run: how long it took, and its process's memory before and at most, in MiB."""

    clients: int
    invoices: int
    entries: int
    seconds: float
    before: float
    peak: float


def work(tenant: int, worker: int, *, clients: int) -> None:
    """Clients of a tenant, each with a project, a rule and its time of a month."""
    with transaction() as session:
        for number in range(clients):
            client = Client(**_client(tenant, number))
            session.add(client)
            session.flush()
            project = Project(client_id=client.id, name="Project", is_billable=True, created_at=MADE)
            session.add_all([project, BillingRule(client_id=client.id, **HOURLY, **OVERTIME)])
            session.flush()
            session.execute(insert(TimeEntry), [_entry(project.id, worker, at) for at in range(ENTRIES_EACH)])


def _client(tenant: int, number: int) -> dict[str, Any]:
    return {
        "tenant_id": tenant,
        "name": f"Client {number}",
        "email": f"client{number}@example.org",
        "address": "Markt 1\n10115 Berlin",
        "country": "DE",
        "timezone": "Europe/Berlin",
        "payment_days": 14,
        "created_at": MADE,
    }


def _entry(project: int, worker: int, at: int) -> dict[str, Any]:
    day, slot = divmod(at, 4)
    start = datetime(2026, 10, day + 1, 6 + 3 * slot, tzinfo=UTC)
    return {
        "project_id": project,
        "user_id": worker,
        "source": "manual",
        "state": "approved",
        "started_at": start,
        "ended_at": start + timedelta(hours=2, minutes=at % 60),
        "timezone": "Europe/Berlin",
        "description": "Work",
        "created_at": MADE,
        "changed_at": MADE,
    }


def _peak() -> float:
    """The most memory this process held, in MiB. `ru_maxrss` would begin with the size of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / KIB_PER_MIB


def _timed(tenant: int, clients: int) -> Measured:
    with reading() as session:
        session.scalar(select(func.count()).select_from(Invoice))
    before, began = _peak(), time.perf_counter()
    with Session(engine(), expire_on_commit=False) as session:
        generate(session, period=OCTOBER, tenant_id=tenant, now=NOW, commit=committing(session))
        session.commit()
    seconds = time.perf_counter() - began
    with reading() as session:
        mine = select(Invoice.id).where(Invoice.tenant_id == tenant)
        charged = select(func.count(LineEntry.entry_id.distinct())).where(LineEntry.invoice_id.in_(mine))
        return Measured(
            clients=clients,
            invoices=len(session.scalars(mine).all()),
            entries=session.scalar(charged) or 0,
            seconds=seconds,
            before=before,
            peak=_peak(),
        )


def measure(*, clients: int) -> Measured:
    """Charge so many clients in a process of its own."""
    office = found_office()
    work(office.id, office.admin, clients=clients)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: Measured = pool.apply(_timed, (office.id, clients))
    assert (found.invoices, found.entries) == (clients, clients * ENTRIES_EACH)
    return found


def compare(*, most: int) -> None:
    """Print what few and many clients take, side by side."""
    found = [measure(clients=count) for count in (most // 10, most)]
    print(f"{'clients':<28}" + "".join(f"{one.clients:>12,}" for one in found))
    print(f"{'entries':<28}" + "".join(f"{one.entries:>12,}" for one in found))
    print(f"{'seconds':<28}" + "".join(f"{one.seconds:>12.1f}" for one in found))
    print(f"{'MiB before':<28}" + "".join(f"{one.before:>12.0f}" for one in found))
    print(f"{'MiB at most (VmHWM)':<28}" + "".join(f"{one.peak:>12.0f}" for one in found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clients", type=int, default=1_000)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with ExitStack() as stack:
        server = PostgresServer(settings=())
        stack.callback(server.close)
        server.start()
        server.execute("CREATE DATABASE bench")
        values = {"secret_key": secrets.token_urlsafe(32), "database_url": server.url("bench")}
        os.environ.update({f"{PREFIX}{name.upper()}": value for name, value in values.items()})
        settings.cache_clear()
        revisions.upgrade()
        compare(most=given.clients)


if __name__ == "__main__":
    main()
