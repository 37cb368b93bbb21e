"""The tables of banking. Amounts are whole minor units of the currency beside them (`app.values.money`)."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.db.encryption import Encrypted
from app.domains.banking.facts import AsideKind


class Role(StrEnum):
    """What a member may do in a household."""

    ADMIN = "admin"
    MEMBER = "member"


class ItemStatus(StrEnum):
    """How the connection to a bank is."""

    ACTIVE = "active"
    LOGIN_REQUIRED = "login_required"  # the user must sign in at the bank again
    EXPIRING = "expiring"  # works still, but will not for long
    REVOKED = "revoked"  # the user took the permission back
    ERROR = "error"


class BillRule(StrEnum):
    """When a bill is due again."""

    ONCE = "once"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


class Period(StrEnum):
    """What a budget's limit is for."""

    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Household(Base):
    """People who share money."""

    __tablename__ = "household"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class HouseholdMember(Base):
    """A user in a household."""

    __tablename__ = "household_member"
    __table_args__ = (one_of(Role, column="role"),)

    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(Text)


class PlaidItem(Base):
    """A household's sign-in at one bank, as Plaid keeps it."""

    __tablename__ = "plaid_item"
    __table_args__ = (one_of(ItemStatus, column="status"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    #: Plaid's id.
    item_id: Mapped[str] = mapped_column(Text, unique=True)
    access_token: Mapped[str] = mapped_column(Encrypted("Plaid access tokens"))
    institution: Mapped[str] = mapped_column(Text)
    #: Where the next sync goes on; null before the first.
    cursor: Mapped[str | None] = mapped_column(Text)
    #: How many syncs have begun: one asked for before the next begins is that next one.
    syncs: Mapped[int]
    #: The job that began the last one. While it runs, no other may.
    sync_job_id: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    #: Grows when a broken connection works again: each break is told of once.
    repairs: Mapped[int]
    error: Mapped[str | None] = mapped_column(Text)
    synced_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class PlaidAnswer(Base):
    """What Plaid answered to a sync that went back to wait for its turn, until the sync has ended."""

    __tablename__ = "plaid_answer"

    item_id: Mapped[int] = mapped_column(ForeignKey("plaid_item.id", ondelete="CASCADE"), primary_key=True)
    job_id: Mapped[str] = mapped_column(Text, primary_key=True)
    #: The order in which they came.
    number: Mapped[int] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(Text)
    #: SHA-256 of what was asked, which holds the access token.
    request: Mapped[str] = mapped_column(Text)
    #: The JSON, compressed.
    content: Mapped[bytes] = mapped_column(LargeBinary)


class BankAccount(Base):
    """An account at a bank."""

    __tablename__ = "bank_account"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("plaid_item.id"), index=True)
    plaid_account_id: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    mask: Mapped[str | None] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    subtype: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    current_balance: Mapped[int | None] = mapped_column(BigInteger)
    available_balance: Mapped[int | None] = mapped_column(BigInteger)
    #: How many decimals the balances have; null is what is usual for the currency.
    scale: Mapped[int | None]
    is_active: Mapped[bool]
    include_in_budget: Mapped[bool]
    synced_at: Mapped[datetime | None]
    sync_error: Mapped[str | None] = mapped_column(Text)


class Category(Base):
    """What money is spent on; a tree."""

    __tablename__ = "category"
    __table_args__ = (
        UniqueConstraint("household_id", "name"),
        UniqueConstraint("household_id", "plaid_category"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    name: Mapped[str] = mapped_column(Text)
    #: Plaid's category whose transactions come here by themselves, such as FOOD_AND_DRINK.
    plaid_category: Mapped[str | None] = mapped_column(Text)


class Transaction(Base):
    """Money that moved. `amount` is what the account gained: spending is below zero."""

    __tablename__ = "bank_transaction"
    __table_args__ = (
        Index("ix_bank_transaction_account", "account_id", "posted_on"),
        Index("ix_bank_transaction_category", "category_id", "posted_on"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("bank_account.id"))
    plaid_transaction_id: Mapped[str] = mapped_column(Text, unique=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    #: How many decimals the amount has; null is what is usual for the currency.
    scale: Mapped[int | None]
    currency: Mapped[str] = mapped_column(Text)
    posted_on: Mapped[date]
    authorized_on: Mapped[date | None]
    name: Mapped[str] = mapped_column(Text)
    merchant: Mapped[str | None] = mapped_column(Text)
    pending: Mapped[bool]
    #: Plaid's id of the pending transaction that became this one.
    pending_transaction_id: Mapped[str | None] = mapped_column(Text)
    plaid_category: Mapped[str | None] = mapped_column(Text)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))


class SetAside(Base):
    """A row that Plaid told and that cannot be kept as what it is, until Plaid corrects or removes it."""

    __tablename__ = "bank_set_aside"
    __table_args__ = (
        UniqueConstraint("item_id", "kind", "plaid_id"),
        one_of(AsideKind, column="kind"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("plaid_item.id"))
    kind: Mapped[str] = mapped_column(Text)
    #: Plaid's id of what was told; a digest of the row where it has none.
    plaid_id: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    #: What was told, as JSON. As text: what is wrong with it may be what no JSON column takes.
    row: Mapped[str] = mapped_column(Text)
    #: Plaid's id of the account that the transaction waits for.
    missing_account: Mapped[str | None] = mapped_column(Text)
    set_aside_at: Mapped[datetime]


class Bill(Base):
    """Something a household pays, once or again and again."""

    __tablename__ = "bill"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        one_of(BillRule, column="rule"),
        Index("ix_bill_due", "next_due"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)
    #: The day of the month that a monthly rule keeps to; February gets its last.
    due_day: Mapped[int]
    #: Null once a bill that comes once is paid.
    next_due: Mapped[date | None]
    autopay: Mapped[bool]


class Budget(Base):
    """What a household means to spend at most on a category in a period."""

    __tablename__ = "budget"
    __table_args__ = (
        UniqueConstraint("household_id", "category_id", "period"),
        CheckConstraint("amount > 0", name="amount"),
        one_of(Period, column="period"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    period: Mapped[str] = mapped_column(Text)
    #: What is meant to be spent at most.
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    #: Percent of the limit, in rising order.
    thresholds: Mapped[list[int]] = mapped_column(JSON)
    include_pending: Mapped[bool]
    is_active: Mapped[bool]


class PlaidWebhook(Base):
    """A verified webhook of Plaid, kept before it was answered; the same body again is the same webhook."""

    __tablename__ = "plaid_webhook"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    #: SHA-256 of what was signed, of the signature's fixed part and of the body.
    digest: Mapped[str] = mapped_column(Text, unique=True)
    type: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    item_id: Mapped[str | None] = mapped_column(Text)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    received_at: Mapped[datetime]
