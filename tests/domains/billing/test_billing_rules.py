"""Billing rules: never two for the same work on a day, and what was charged by stays as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from itertools import pairwise
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.db.sessions import reading, transaction
from app.domains.billing import billing_rules
from app.domains.billing.charging.errors import NumberNotAllowed, RuleEndsBeforeStart
from app.domains.billing.errors import (
    ClientNotFound,
    ProjectOfAnotherClient,
    RuleCharged,
    RuleChargedUntil,
    RuleInForce,
    RuleNotFound,
)
from app.domains.billing.invoices.models import Invoice, InvoiceLine, InvoiceState
from tests.domains.billing import trade
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.domains.billing.trade import Trade

ONE = pytest.mark.databases("sqlite")


@pytest.fixture
def made(database: Engine) -> Trade:
    return trade.set_up()


def in_force(since: str, until: str | None = None) -> dict[str, Any]:
    last = None if until is None else date.fromisoformat(until)
    return {"effective_from": date.fromisoformat(since), "effective_to": last}


def end(rule_id: int, day: str | None) -> None:
    with transaction() as session:
        last = None if day is None else date.fromisoformat(day)
        billing_rules.end(session, rule_id=rule_id, effective_to=last)


def replace(rule_id: int, **columns: Any) -> None:
    with transaction() as session:
        billing_rules.replace(session, rule_id=rule_id, columns=trade.HOURLY | columns)


def remove(rule_id: int) -> None:
    with transaction() as session:
        billing_rules.remove(session, rule_id=rule_id)


def charge(made: Trade, rule_id: int, period: str, state: InvoiceState = InvoiceState.SENT) -> int:
    """An invoice for a month with a line of the rule; gives its id."""
    day = date.fromisoformat(f"{period}-28")
    invoice = Invoice(
        tenant_id=made.tenant,
        client_id=made.client,
        kind="invoice",
        state=state,
        period=period,
        number=f"R-{period}-{state}",
        year=0,
        sequence=int(period.replace("-", "")),
        currency="EUR",
        **dict.fromkeys(("net", "tax", "gross", "paid", "refused_mails", "overdue_told"), 0),
        issued_on=day,
        due_on=day,
        seller={},
        buyer={},
        created_at=trade.MADE,
    )
    with transaction() as session:
        session.add(invoice)
        session.flush()
        line = {"kind": "time", "rule": {}, "seconds": 0, "net": 0, "tax_category": "S"}
        line |= {"tax_percent": Decimal(19), "rule_id": rule_id, "position": 1}
        session.add(InvoiceLine(invoice_id=invoice.id, **line))
        return invoice.id


def test_rules_for_the_same_work_never_share_a_day(made: Trade) -> None:
    first = made.add_rule(**in_force("2026-01-01", "2026-03-31"))
    second = made.add_rule(**in_force("2026-05-01"))
    for since, until, other in (
        ("2026-03-31", "2026-04-10", first),
        ("2025-01-01", "2026-01-01", first),
        ("2026-02-01", "2026-02-01", first),
        ("2025-12-01", None, first),
        ("2026-04-30", None, second),
        ("2030-01-01", "2030-01-01", second),
    ):
        with pytest.raises(RuleInForce, match=f"Rule {other} is in force for the whole client"):
            made.add_rule(**in_force(since, until))
    made.add_rule(**in_force("2026-04-01", "2026-04-30"))


@ONE
def test_rules_for_other_work_share_days(made: Trade) -> None:
    made.add_rule()
    made.add_rule(project_id=made.project)
    made.add_rule(project_id=made.add_project("Other"))
    with pytest.raises(RuleInForce, match=f"for project {made.project} from 2026-01-01 on"):
        made.add_rule(project_id=made.project, **in_force("2027-01-01"))
    with pytest.raises(ProjectOfAnotherClient, match="has no project with the id"):
        made.add_rule(project_id=trade.set_up(name="Else").project)
    trade.set_up(name="More").add_rule()


def test_a_rule_waits_for_one_that_another_is_adding(made: Trade, database: Engine) -> None:
    with ThreadPoolExecutor(1) as threads:
        with transaction() as session:
            billing_rules.add(session, client_id=made.client, columns=trade.HOURLY)
            other = threads.submit(made.add_rule)
            wait_until(lambda: other.done() or is_waiting(database), seconds=10, what="the other rule")
            assert not other.done()
        with pytest.raises(RuleInForce):
            other.result()


def is_waiting(database: Engine) -> bool:
    """Whether a transaction waits for another; SQLite has one writer, and does not say."""
    if database.dialect.name == "sqlite":
        return True
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with database.connect() as connection:
        return bool(connection.execute(text(waiting)).scalar_one())


def test_of_many_rules_that_are_moved_at_the_same_moment_one_wins(made: Trade) -> None:
    many = 6
    months = [made.add_rule(**in_force(f"2026-0{n}-01", f"2026-0{n}-02")) for n in range(1, many + 1)]
    ready = Barrier(many)

    def move(rule_id: int) -> bool:
        ready.wait()
        try:
            replace(rule_id, **in_force("2027-01-01", "2027-12-31"))
        except RuleInForce:
            return False
        return True

    with ThreadPoolExecutor(many) as threads:
        assert list(threads.map(move, months)).count(True) == 1
    assert_no_day_is_shared(made)


def assert_no_day_is_shared(made: Trade) -> None:
    with reading() as session:
        page = billing_rules.page_of_rules(session, client_id=made.client, after=None, limit=100)
        spans = sorted((row.effective_from, row.effective_to) for row in page.rows)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_a_rule_that_nothing_was_charged_by_is_changed_and_removed(made: Trade) -> None:
    rule_id = made.add_rule()
    replace(rule_id, rate=1, cap_hours=Decimal("7.25"), **in_force("2025-01-01", "2025-12-31"))
    found = trade.stored_rule(rule_id)
    assert (found.rate, found.cap_hours, found.effective_to) == (1, Decimal("7.25"), date(2025, 12, 31))
    other = made.add_rule()
    with pytest.raises(RuleInForce):
        replace(rule_id)
    assert trade.stored_rule(rule_id).rate == 1
    remove(other)
    replace(rule_id)
    remove(rule_id)
    with pytest.raises(RuleNotFound):
        remove(rule_id)


def test_a_rule_that_was_charged_by_only_ends(made: Trade) -> None:
    rule_id = made.add_rule()
    charge(made, rule_id, "2026-02")
    charge(made, rule_id, "2026-03")
    with pytest.raises(RuleCharged, match=f"Rule {rule_id} was charged with invoice R-2026-0"):
        replace(rule_id, rate=1)
    with pytest.raises(RuleCharged):
        remove(rule_id)
    for day in ("2026-03-30", "2026-01-01"):
        with pytest.raises(RuleChargedUntil, match="charged up to 2026-03-31 with invoice R-2026-03-sent"):
            end(rule_id, day)
    end(rule_id, "2026-03-31")
    end(rule_id, "2026-04-30")
    end(rule_id, None)
    end(rule_id, "2026-03-31")
    assert trade.stored_rule(rule_id).effective_to == date(2026, 3, 31)
    made.add_rule(**in_force("2026-04-01"))
    with pytest.raises(RuleInForce):
        end(rule_id, None)


@ONE
@pytest.mark.parametrize("state", [InvoiceState.CREDITED, InvoiceState.CANCELED])
def test_what_was_taken_back_frees_the_days_and_not_the_terms(made: Trade, state: InvoiceState) -> None:
    rule_id = made.add_rule()
    charge(made, rule_id, "2026-03", state)
    end(rule_id, "2026-03-10")
    with pytest.raises(RuleCharged):
        replace(rule_id, rate=1)


@ONE
def test_a_rule_that_ended_in_a_charged_month_stays_as_it_ended(made: Trade) -> None:
    rule_id = made.add_rule(**in_force("2026-01-01", "2026-03-10"))
    charge(made, rule_id, "2026-03")
    for day in ("2026-03-20", None):
        with pytest.raises(RuleChargedUntil):
            end(rule_id, day)
    end(rule_id, "2026-03-10")


@ONE
@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"rate": -1}, NumberNotAllowed),
        ({"rate": 10**18}, NumberNotAllowed),
        ({"cap_hours": Decimal("0.001")}, NumberNotAllowed),
        (in_force("2026-01-02", "2026-01-01"), RuleEndsBeforeStart),
    ],
)
def test_what_charging_does_not_know_is_not_stored(
    made: Trade, columns: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"[Tt]he new rule"):
        made.add_rule(**columns)
    rule_id = made.add_rule()
    with pytest.raises(error, match=f"[Rr]ule {rule_id}"):
        replace(rule_id, **columns)


@ONE
def test_rules_of_nobody(made: Trade) -> None:
    with reading() as session, pytest.raises(ClientNotFound):
        billing_rules.page_of_rules(session, client_id=4711, after=None, limit=1)
    with pytest.raises(RuleNotFound, match="no billing rule with the id 4711"):
        end(4711, None)
