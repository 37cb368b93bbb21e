"""A demonstration's day of work: each page of the console shows some of it, and real work is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.console import figures
from app.console.places import (
    ALERTS,
    AUDIT,
    DELIVERIES,
    DEPLOYS,
    JOBS,
    QUEUES,
    ROOT,
    TIMELINE,
    WORKERS,
    job_at,
)
from app.db.sessions import reading, transaction
from app.demonstration import filling
from app.demonstration.day import BAD, BROKEN_INVOICES, GOOD, plan
from app.demonstration.kinds import LOGIN_EXPIRED, NO_VAT_ID
from app.domains.accounts.roles import Role
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.statistics import failures
from app.jobs.statistics.models import StatHour, StatMinute
from app.outbound.deliveries.models import Delivery, DeliveryState
from tests.command_line import groundwork
from tests.console.browser import signed_in

if TYPE_CHECKING:
    from sqlalchemy import Engine

SEED = 7


@pytest.fixture
def filled(database: Engine) -> None:
    with transaction() as session:
        filling.fill(session, seed=SEED)


def test_each_page_of_the_console_shows_some_of_it(filled: None) -> None:
    with reading() as session:
        dead = session.scalars(select(Job.id).where(Job.error == NO_VAT_ID)).first()
        uncertain = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.UNCERTAIN)).one()
    assert dead is not None
    client = signed_in(Role.ADMIN)
    for page, shown in {
        ROOT: "1 uncertain",
        f"{JOBS}?state=dead": "marketplace.generate_invoice_pdf",
        f"{JOBS}?state=scheduled": "banking.sync_item",
        f"{JOBS}?state=ready": "stats.sync_stats",
        job_at(dead): "vat_id",
        QUEUES: "maintenance",
        WORKERS: "standard@host-1",
        DELIVERIES: "Your order ORD-",
        f"{DELIVERIES}/{uncertain.id}": "uncertain",
        DEPLOYS: GOOD,
        ALERTS: "8 jobs died",
        AUDIT: "ann@example.org",
        f"{AUDIT}?log=logins": "bob@example.org",
        TIMELINE: BAD,
    }.items():
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert shown in answer.text, page
    assert "Run it again" in client.get(job_at(dead)).text


def test_what_is_counted_is_what_is_there_and_no_second_day_is_added(filled: None) -> None:
    with pytest.raises(filling.LedgerInUse), transaction() as session:
        filling.fill(session, seed=SEED + 1)
    found = figures.look()
    assert found.balance is not None
    with reading() as session:
        assert found.balance.accepted == session.scalar(select(func.count()).select_from(Job))
    ended = sum(count for state, count in found.balance.states.items() if State(state).is_terminal)
    assert found.overdue is not None
    assert sum(found.overdue.values()) == 0
    with reading() as session:
        for table in (StatMinute, StatHour):
            rows = session.scalars(select(table.jobs).where(table.task == "", table.queue == ""))
            assert sum(sum(jobs.values()) for jobs in rows) == ended


@pytest.mark.databases("sqlite")
def test_errors_come_in_groups_of_which_the_bad_release_made_one(filled: None) -> None:
    with reading() as session:
        groups = failures.groups(session).groups
    assert len(groups) >= 5
    broken = next(group for group in groups if group.title.startswith("KeyError"))
    assert (broken.dead, broken.releases) == (BROKEN_INVOICES, [BAD])
    assert any(group.title.startswith(LOGIN_EXPIRED.partition(":")[0]) for group in groups)


@pytest.mark.databases("sqlite")
def test_the_same_seed_is_the_same_day() -> None:
    now = datetime(2025, 11, 4, 16, 20, tzinfo=UTC)
    day = plan(seed=SEED, now=now)
    assert day == plan(seed=SEED, now=now) != plan(seed=SEED + 1, now=now)
    assert all(
        now - timedelta(days=1) <= run.started_at <= run.finished_at < now
        for piece in day
        for run in piece.runs
    )
    assert len({piece.id for piece in day}) == len(day)


def test_a_ledger_that_has_seen_work_is_left_as_it_is(database: Engine) -> None:
    with transaction() as session:
        accept(session, [new_job("stats.sync_stats", context={})])
    with pytest.raises(filling.LedgerInUse, match="nothing was added"), transaction() as session:
        filling.fill(session, seed=SEED)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1


@pytest.mark.databases("sqlite")
def test_the_command_says_how_to_have_the_same_day_again(
    database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    first = groundwork(capsys, "demonstration", "fill", "--seed", "7")
    assert (first.code, first.err) == (0, "")
    assert "--seed 7" in first.out
    again = groundwork(capsys, "demonstration", "fill")
    assert again.code != 0
    assert again.err.count("\n") == 1
    assert "nothing was added" in again.err
