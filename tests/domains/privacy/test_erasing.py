"""Erasing: nothing of a person stays but what has to, whoever dies meanwhile, and nothing of others goes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction, using
from app.domains.accounts import administration
from app.domains.accounts.models import User
from app.domains.accounts.roles import Role
from app.domains.banking.models import HouseholdMember, Transaction
from app.domains.billing import tenants
from app.domains.billing.invoices.models import Invoice, InvoiceState
from app.domains.billing.models import Role as TenantRole
from app.domains.billing.models import TenantMember
from app.domains.billing.time_capture.models import TimeEntry
from app.domains.privacy import erasing
from app.domains.privacy.errors import NobodyConfirmed, NotConfirmed, NotErasableYet, StillInUse
from app.domains.privacy.models import Erasure
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.personal_data.declaration import Keep
from app.personal_data.registry import personal_tables
from app.personal_data.rows import is_left, stream
from tests.domains.billing.trade import set_up
from tests.domains.privacy import someone
from tests.owners import belongings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Engine

    from tests.owners.belongings import Belongings

pytestmark = pytest.mark.databases("sqlite")
BOTH = pytest.mark.databases("sqlite", "postgresql")
#: What is kept by law, or because it is written so in its own table.
KEPT = {table.name for table in personal_tables() if isinstance(table.erasure, Keep)}
#: Of a business with invoices and of what they charge.
KEPT |= {"tenant", "client", "project", "billing_rule", "time_entry"}


@pytest.fixture
def ann(database: Engine) -> Belongings:
    return someone.everything("canary-ann")


@pytest.fixture
def bob(ann: Belongings) -> Belongings:
    return someone.everything("canary-bob")


def everything_of(who: Belongings) -> dict[str, list[Mapping[str, Any]]]:
    with reading() as session:
        return {table.name: list(stream(session, table, someone.subject(who))) for table in personal_tables()}


def test_somebody_of_whom_all_is_told_has_a_row_in_every_table(ann: Belongings) -> None:
    missing = {name for name, rows in everything_of(ann).items() if not rows}
    assert missing == {"data_erasure"}


@BOTH
def test_nothing_of_a_person_stays_but_what_has_to(ann: Belongings, bob: Belongings) -> None:
    before, erased = everything_of(bob), {table.name for table in personal_tables()} - KEPT
    assert erased - someone.tables_with("canary-ann") == {
        # They hold numbers, or what is sealed or hashed.
        *("user_stat", "daily_summary", "household_member", "tenant_member"),
        *("sign_in_attempts", "push_endpoint", "account_password"),
    }
    someone.confirm(ann)
    report = someone.erase(ann)
    assert someone.tables_with("canary-ann") <= KEPT
    assert everything_of(bob) == before
    for table in personal_tables():
        assert set(report.get(table.name, {})) & {"deleted", "anonymised", "kept"}, table.name
        if table.name in KEPT and table.name != "data_erasure":
            assert report[table.name]["why"].endswith(".")


def test_who_was_erased_does_not_sign_in_and_can_register_again(ann: Belongings) -> None:
    client = ann.client()
    someone.confirm(ann)
    someone.erase(ann)
    assert client.get("/api/v1/auth/me").status_code == 401
    with reading() as session:
        user = session.get_one(User, ann.user)
    assert (user.email, user.role) == (f"erased-{ann.user}@erased.invalid", None)
    again = belongings.person("canary-ann", Role.VIEWER)
    assert again.client().get("/api/v1/auth/me").status_code == 200


def test_what_somebody_worked_for_others_stays_theirs_without_a_name(ann: Belongings) -> None:
    trade = set_up()
    with transaction() as session:
        tenants.set_role(session, tenant_id=trade.tenant, user_id=ann.user, role=TenantRole.MEMBER)
    worked = {trade.add_entry(worker=ann.user, state=state) for state in ("pending", "rejected")}
    someone.confirm(ann)
    report = someone.erase(ann)
    with reading() as session:
        left = session.execute(
            select(TimeEntry.id, User.name).where(User.id == TimeEntry.user_id, User.id == ann.user)
        ).all()
    assert worked < {entry.id for entry in left}
    assert ann.ids["idle_entry"] not in {entry.id for entry in left}, "nobody else ran that business"
    assert {entry.name for entry in left} == {"Erased"}
    assert "business of other people" in report["time_entry"]["why"]


def test_a_second_run_does_nothing_more(ann: Belongings) -> None:
    someone.confirm(ann)
    first = someone.erase(ann)
    assert someone.erase(ann) == first
    with reading() as session:
        finished = session.get_one(Erasure, ann.user).finished_at
    assert finished is not None


class Killed(BaseException):
    """What stands for the end of the process."""


def test_it_goes_on_where_it_was_killed(ann: Belongings, bob: Belongings) -> None:
    """However often, after each of its commits; the report counts each row once."""
    someone.confirm(bob)
    expected = someone.erase(bob)
    someone.confirm(ann)
    kills = 0
    while True:
        with Session(engine(), expire_on_commit=False) as session, using(session):
            try:
                report = erasing.erase(session, user_id=ann.user, commit=dying(session))
                session.commit()
                break
            except Killed:
                session.rollback()
                kills += 1
    assert kills > len(expected) / 2
    assert {name: {**done, "why": ""} for name, done in report.items()} == {
        name: {**done, "why": ""} for name, done in expected.items()
    }
    assert someone.tables_with("canary-ann") <= KEPT


def dying(session: Session) -> Callable[..., None]:
    def checkpoint(_progress: object = None, /) -> None:
        session.commit()
        raise Killed

    return checkpoint


def test_what_is_worked_on_is_waited_for(ann: Belongings) -> None:
    with transaction() as session:
        session.get_one(Job, ann.ids["job_id"]).state = State.RUNNING
        delivery = session.scalars(select(Delivery).where(Delivery.recipient == ann.email)).one()
        delivery.state = DeliveryState.SENDING
    someone.confirm(ann)
    with pytest.raises(StillInUse, match=r"in delivery; they are erased once that is over"):
        someone.erase(ann)
    with transaction() as session:
        session.get_one(Delivery, delivery.id).state = DeliveryState.SENT
    with pytest.raises(StillInUse, match=r"attempt|job"):
        someone.erase(ann)
    with transaction() as session:
        session.get_one(Job, ann.ids["job_id"]).state = State.DONE
    someone.erase(ann)
    assert someone.tables_with("canary-ann") <= KEPT


def test_a_sync_at_the_same_time_is_outlasted(ann: Belongings) -> None:
    """It adds a transaction once those are gone: its account cannot go, and the next attempt takes both."""
    someone.confirm(ann)
    added: list[Transaction] = []

    with Session(engine(), expire_on_commit=False) as session, using(session):

        def checkpoint(progress: Mapping[str, Any] | None = None, /) -> None:
            session.commit()
            if progress == {"table": "refresh_token"} and not added:
                added.append(transaction_of(ann))
                with transaction() as other:
                    other.add(added[0])

        with pytest.raises(IntegrityError):
            erasing.erase(session, user_id=ann.user, commit=checkpoint)
    assert added
    someone.erase(ann)
    assert someone.tables_with("canary-ann") <= KEPT


def transaction_of(who: Belongings) -> Transaction:
    return Transaction(
        account_id=who.ids["account_id"],
        plaid_transaction_id="late",
        amount=1,
        currency="EUR",
        posted_on=date(2026, 1, 1),
        name=f"{who.word} late",
        pending=False,
    )


def test_what_waits_for_a_person_is_cancelled_and_not_sent(ann: Belongings) -> None:
    with transaction() as session:
        session.get_one(Job, ann.ids["job_id"]).state = State.READY
        delivery = session.scalars(select(Delivery).where(Delivery.recipient == ann.email)).one()
        delivery.state = DeliveryState.WAITING
    someone.confirm(ann)
    someone.erase(ann)
    with reading() as session:
        assert session.get(Job, ann.ids["job_id"]) is None
        assert session.get_one(Delivery, delivery.id).state == DeliveryState.SUPPRESSED


def test_the_last_administrator_stays(ann: Belongings, bob: Belongings) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=Role.ADMIN)
    with pytest.raises(NotErasableYet, match="is the last administrator; make somebody else one first"):
        someone.confirm(ann)
    with transaction() as session:
        administration.set_role(session, email=bob.email, role=Role.ADMIN)
    someone.confirm(ann)


def test_an_invoice_that_is_not_paid_comes_first(ann: Belongings) -> None:
    with transaction() as session:
        session.get_one(Invoice, ann.ids["invoice_id"]).state = InvoiceState.OVERDUE
    with pytest.raises(NotErasableYet, match=r"Invoice canary-ann-1 of .* is not paid; record a payment"):
        someone.confirm(ann)
    with transaction() as session:
        session.get_one(Invoice, ann.ids["invoice_id"]).state = InvoiceState.PAID
    someone.confirm(ann)


@pytest.mark.parametrize(("model", "of"), [(HouseholdMember, "household_id"), (TenantMember, "tenant_id")])
def test_others_are_left_with_an_admin(ann: Belongings, bob: Belongings, model: Any, of: str) -> None:
    key = {of: ann.ids[of], "user_id": bob.user}
    with transaction() as session:
        session.add(model(role="member", **key))
    with pytest.raises(NotErasableYet, match=r"has other members and no other admin; make one of them"):
        someone.confirm(ann)
    with transaction() as session:
        session.get_one(model, (ann.ids[of], bob.user)).role = "admin"
    someone.confirm(ann)
    report = someone.erase(ann)
    table = "household" if of == "household_id" else "tenant"
    assert "Other people" in report[table]["why"]
    with reading() as session:
        assert session.get(model, (ann.ids[of], ann.user)) is None


@pytest.mark.parametrize("given", ["", "bob@example.org", "canary-ann", "\0", "x" * 10_000])
def test_it_has_to_be_confirmed_by_the_address(ann: Belongings, given: str) -> None:
    with pytest.raises(NotConfirmed, match="confirm it with the mail address"), transaction() as session:
        erasing.request(session, user_id=ann.user, requested_by="t", confirmed_by=given)


def test_a_job_that_nobody_confirmed_erases_nobody(ann: Belongings) -> None:
    with pytest.raises(NobodyConfirmed, match="Nobody confirmed that user"):
        someone.erase(ann)
    assert "account_user" in someone.tables_with("canary-ann")


def test_nothing_is_left_that_could_be_found_again(ann: Belongings) -> None:
    whom = someone.subject(ann)
    someone.confirm(ann)
    someone.erase(ann)
    with reading() as session:
        left = [table.name for table in personal_tables() if is_left(session, table, whom)]
    assert left == []
