"""Somebody with a row in every table that holds something about people, each marked with a word of theirs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, Table, Text, delete, select, update
from sqlalchemy.orm import Session

from app.console.views.models import SavedView
from app.db.columns import Base
from app.db.engine import engine
from app.db.sessions import reading, transaction, using
from app.domains.accounts.links.service import Target, make
from app.domains.accounts.models import Purpose, RefreshToken, SignInAttempts, User
from app.domains.accounts.roles import Role
from app.domains.accounts.sessions import lockout, service
from app.domains.banking.models import HouseholdMember, PlaidAnswer, PlaidItem, PlaidWebhook
from app.domains.billing.integrations.models import (
    OAuthState,
    SlackBinding,
    SlackStatusChange,
    SyncedEvent,
)
from app.domains.billing.invoices.models import (
    InvoiceCounter,
    InvoiceDocument,
    InvoiceLine,
    InvoiceTax,
    LineEntry,
    Payment,
    UnusedHours,
)
from app.domains.billing.time_capture.models import CapturedEvent, CaptureRule, DailySummary, EntryIssue
from app.domains.bulk.models import BulkAct, BulkActJob
from app.domains.marketplace.licences.models import LicenceActivation
from app.domains.privacy import erasing
from app.domains.stats.models import UserStat
from app.jobs.ledger.models import Attempt, JobSearchKey
from app.jobs.logged.models import JobLog
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.mail.models import Suppression
from app.personal_data.registry import personal_tables
from app.personal_data.rows import left
from tests.checkpoints import committing
from tests.domains.billing import trade
from tests.owners import belongings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.db.checkpoint import Checkpoint
    from app.domains.privacy.erasing import Report
    from app.personal_data.declaration import Subject
    from tests.owners.belongings import Belongings

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
#: Texts by which rows are found, or that say what state they are in.
FOUND_BY = {
    ("delivery", "recipient"),
    ("plaid_item", "item_id"),
    ("plaid_webhook", "item_id"),
    ("job", "kwargs"),
    ("job", "args"),
    ("account_password", "password_hash"),
    ("account_user", "email"),
    ("account_user", "email_key"),
    ("account_user", "preferences"),
    ("mail_suppression", "address"),
    ("data_erasure", "report"),
    # And what says nothing of anybody.
    ("delivery", "channel"),
    ("delivery", "job_id"),
    ("delivery", "provider"),
    ("household", "currency"),
}


def everything(word: str) -> Belongings:
    """A person who has one of everything."""
    who = belongings.somebody(word)
    _alone(who)
    who.ids["idle_entry"] = _entry(who)
    with transaction() as session:
        _accounts(session, who)
        _banking(session, who)
        _billing(session, who)
        _time(session, who)
        _integrations(session, who)
        _platform(session, who)
        session.add(
            UserStat(
                user_id=who.user,
                window_at=AT,
                **dict.fromkeys(("logins", "failed_logins", "operations"), 1),
                notifications=1,
            )
        )
    # A business without invoices: nothing of it has to be kept.
    studio = trade.set_up(admin=who.user, name=f"{word} studio")
    studio.add_rule(tax_reason=word, tax_category="E", tax_percent=Decimal(0))
    who.ids["studio"] = studio.tenant
    _mark(who)
    return who


def subject(who: Belongings) -> Subject:
    with reading() as session:
        return erasing.subject(session, user_id=who.user)


def confirm(who: Belongings, *, by: str = "test") -> str:
    """Have them erased as far as that is asked for; the job's id."""
    with transaction() as session:
        return erasing.request(session, user_id=who.user, requested_by=by, confirmed_by=who.email)


def erase(who: Belongings, commit: Checkpoint | None = None) -> Report:
    """One attempt of the job in this process."""
    with Session(engine(), expire_on_commit=False) as session, using(session):
        report = erasing.erase(session, user_id=who.user, commit=commit or committing(session))
        session.commit()
        return report


def tables_with(word: str) -> set[str]:
    """The tables that have the word anywhere, in whatever column."""
    found = set()
    with engine().connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table.name}"')
            if any(word in str(row) for row in rows):
                found.add(table.name)
    return found


def _alone(who: Belongings) -> None:
    """The household that somebody is given has another member, whose name is the same word."""
    other = (HouseholdMember.household_id == who.ids["household_id"]) & (HouseholdMember.user_id != who.user)
    with transaction() as session:
        ids = session.scalars(delete(HouseholdMember).where(other).returning(HouseholdMember.user_id)).all()
        session.execute(delete(User).where(User.id.in_(ids)))
        session.get_one(User, who.user).role = Role.VIEWER


def _accounts(session: Session, who: Belongings) -> None:
    session.add(RefreshToken(session_id=_signed_in(session, who), digest=f"{who.word} digest"))
    counted = lockout.counted(session, email_key=who.email, user_id=who.user, network=f"{who.word} network")
    session.add(SignInAttempts(id=counted.account, failures=1, paused_until=AT, last_at=AT))
    target = Target(purpose=Purpose.EMAIL_CHANGE, email=f"{who.word}-new@example.org", user_id=who.user)
    make(session, target, whom=str(who.user))


def _signed_in(session: Session, who: Belongings) -> str:
    pair = service.start_for_client(session, user_id=who.user, address=f"{who.word} address")
    token = select(RefreshToken).where(RefreshToken.digest == service.digest_of(pair.refresh_token))
    return session.scalars(token).one().session_id


def _banking(session: Session, who: Belongings) -> None:
    item = session.get_one(PlaidItem, who.ids["item_id"])
    session.add(
        PlaidAnswer(
            item_id=item.id, job_id="j", number=1, operation=who.word, request="r", content=who.word.encode()
        )
    )
    webhook = {"type": who.word, "code": who.word, "body": {"of": who.word}, "received_at": AT}
    session.add(PlaidWebhook(digest=who.word, item_id=item.item_id, **webhook))


def _billing(session: Session, who: Belongings) -> None:
    invoice = {"invoice_id": who.ids["invoice_id"]}
    session.add(
        InvoiceLine(
            position=1,
            kind="time",
            rule_id=who.ids["rule_id"],
            rule={"of": who.word},
            seconds=1,
            net=1,
            tax_category="S",
            tax_percent=Decimal(0),
            **invoice,
        )
    )
    session.flush()
    session.add(LineEntry(position=1, entry_id=who.ids["entry_id"], seconds=1, **invoice))
    session.add(InvoiceTax(position=1, category="S", percent=Decimal(0), net=1, tax=0, **invoice))
    session.add(
        InvoiceDocument(layout="classic", sha256="", content=who.word.encode(), rendered_at=AT, **invoice)
    )
    session.add(Payment(key=who.word, amount=1, received_on=AT.date(), created_at=AT, **invoice))
    session.add(InvoiceCounter(tenant_id=who.ids["tenant_id"], year=0, last=1))
    session.add(UnusedHours(rule_id=who.ids["rule_id"], after="2026-01", period="2026-01", seconds=1))


def _time(session: Session, who: Belongings) -> None:
    of = {"user_id": who.user}
    entry = who.ids["idle_entry"]
    session.add(EntryIssue(entry_id=entry, kind="gap", key="", sentence=who.word, opened_at=AT))
    session.add(
        DailySummary(
            tenant_id=who.ids["tenant_id"],
            day=date(2026, 3, 2),
            entries=1,
            seconds=1,
            billable_seconds=1,
            gap_seconds=0,
            made_at=AT,
            **of,
        )
    )
    session.add(CaptureRule(position=1, project_id=who.ids["project_id"], words=who.word, **of))
    event = {"calendar": who.word, "event_id": who.word, "title": who.word}
    session.add(CapturedEvent(entry_id=entry, starts_at=AT, ends_at=AT, **event, **of))


def _entry(who: Belongings) -> int:
    made = trade.Trade(tenant=0, admin=who.user, project=who.ids["project_id"])
    return made.add_entry("2026-03-03T09:00:00+01:00", "2026-03-03T10:00:00+01:00", description=who.word)


def _integrations(session: Session, who: Belongings) -> None:
    at = {"integration_id": who.ids["integration_id"]}
    session.add(
        SyncedEvent(
            event_id=who.word,
            version="1",
            starts_at=AT,
            ends_at=AT,
            all_day=False,
            title=who.word,
            status="confirmed",
            attendance="accepted",
            is_deleted=False,
            is_captured=True,
            reading=1,
            changed_at=AT,
            **at,
        )
    )
    binding = SlackBinding(user_id=who.user, slack_user_id=who.word, status_text=who.word, **at)
    session.add(binding)
    session.flush()
    said = {"status_text": who.word, "status_emoji": who.word, "seen_at": AT}
    session.add(SlackStatusChange(binding_id=binding.id, **said))
    session.add(
        OAuthState(id=who.word, user_id=who.user, provider="google", verifier=who.word, expires_at=AT)
    )


def _platform(session: Session, who: Belongings) -> None:
    session.add(
        Delivery(
            key=f"mail:{who.user}",
            channel="email",
            recipient=who.email,
            subject=who.word,
            content={"to": [who.email], "text": who.word},
            state=DeliveryState.SENT,
            calls=1,
            created_at=AT,
            changed_at=AT,
        )
    )
    session.add(Attempt(job_id=who.ids["job_id"], fence=1, finished_at=AT, outcome="failed", error=who.word))
    session.add(JobSearchKey(name="user", value=who.word, accepted_at=AT, job_id=who.ids["job_id"]))
    session.add(JobLog(job_id=who.ids["job_id"], fence=1, first=0, lines=[[0, "INFO", "app", who.word]]))
    used = {"device": who.word, "activated_at": AT}
    session.add(LicenceActivation(licence_id=who.ids["licence_id"], **used))
    session.add(Suppression(address=who.email, reason="bounced", created_at=AT))
    named = {"user_id": who.user, "user_name": who.word}
    session.add(SavedView(name=who.word, query=who.word, shared=False, saved_at=AT, **named))
    chosen = {"chosen_by": [["user", who.word]], "place": who.word, "chosen_at": AT}
    act = BulkAct(act="retry", jobs=1, has_more=False, **chosen, **named)
    session.add(act)
    session.flush()
    job_id = who.ids["job_id"]
    session.add(BulkActJob(act_id=act.id, number=1, job_id=job_id, task="sample.add", fence=1))


def _mark(who: Belongings) -> None:
    """Write the word into each column that can hold it, of all rows that are to be erased."""
    whom = subject(who)
    with transaction() as session:
        for table in personal_tables():
            values = dict(_markable(table.model.__table__, who.word))  # type: ignore[arg-type]
            if values:
                session.execute(
                    update(table.model)
                    .where(left(table, whom))
                    .values(values)
                    .execution_options(synchronize_session=False)
                )


def _markable(table: Table, word: str) -> Iterator[tuple[str, Any]]:
    checks = " ".join(str(one.sqltext) for one in table.constraints if isinstance(one, CheckConstraint))
    unique = {
        column.name for one in (*table.indexes, *table.constraints) for column in getattr(one, "columns", ())
    }
    for column in table.columns:
        if (table.name, column.name) in FOUND_BY or column.name in unique or column.name in checks.split():
            continue
        if isinstance(column.type, JSON):
            yield column.name, [1] if column.name == "thresholds" else {"of": word}
        elif isinstance(column.type, Text):
            yield column.name, f"{word} {column.name}"
