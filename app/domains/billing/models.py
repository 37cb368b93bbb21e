"""The tables of who bills whom for what. Amounts are whole minor units of the currency beside them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, FixedPoint, one_of
from app.domains.billing.charging.bounds import HOUR_PLACES, MULTIPLIER_PLACES, PERCENT_PLACES
from app.domains.billing.charging.rounding import Direction
from app.domains.billing.charging.taxes import TaxCategory


class Role(StrEnum):
    """What a member may do for a tenant."""

    ADMIN = "admin"  # everything
    MEMBER = "member"  # work, and see what they worked


class RuleKind(StrEnum):
    """What time costs."""

    HOURLY = "hourly"
    FIXED = "fixed"
    RETAINER = "retainer"


class Tenant(Base):
    """Somebody who issues invoices."""

    __tablename__ = "tenant"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    #: Street, postcode and city, a line each.
    address: Mapped[str] = mapped_column(Text)
    #: ISO 3166-1 alpha-2.
    country: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    tax_number: Mapped[str | None] = mapped_column(Text)
    iban: Mapped[str | None] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    #: The layout of its invoices.
    layout: Mapped[str] = mapped_column(Text)
    #: What numbers of its invoices begin with.
    number_prefix: Mapped[str] = mapped_column(Text)
    #: Whether numbers begin anew each year.
    is_numbered_by_year: Mapped[bool]
    created_at: Mapped[datetime]


class TenantMember(Base):
    """A user who works for a tenant."""

    __tablename__ = "tenant_member"
    __table_args__ = (one_of(Role, column="role"),)

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(Text)


class Client(Base):
    """Somebody who gets a tenant's invoices."""

    __tablename__ = "client"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    tax_number: Mapped[str | None] = mapped_column(Text)
    #: Its clock says which month an entry belongs to.
    timezone: Mapped[str] = mapped_column(Text)
    #: Days from an invoice to when it is due.
    payment_days: Mapped[int]
    created_at: Mapped[datetime]
    #: Set when it gets no more invoices.
    ended_at: Mapped[datetime | None]


class Project(Base):
    """What is worked on for a client."""

    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("client_id", "name"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    name: Mapped[str] = mapped_column(Text)
    #: Whether its time is charged.
    is_billable: Mapped[bool]
    created_at: Mapped[datetime]


class BillingRule(Base):
    """What work for a client costs from one day to another (`app.domains.billing.charging.rules`).

    A project's rule comes before that of the whole client; two for the same work never share a day.
    """

    __tablename__ = "billing_rule"
    __table_args__ = (
        one_of(RuleKind, column="kind"),
        one_of(Direction, column="rounding_direction"),
        one_of(TaxCategory, column="tax_category"),
        CheckConstraint("effective_to >= effective_from", name="effective"),
        CheckConstraint("(rate IS NOT NULL) = (kind <> 'fixed')", name="rate"),
        CheckConstraint("(fee IS NOT NULL) = (kind <> 'hourly')", name="fee"),
        CheckConstraint("(included_hours IS NOT NULL) = (kind = 'retainer')", name="included_hours"),
        CheckConstraint(
            "(overtime_threshold_hours IS NULL) = (overtime_multiplier IS NULL)", name="overtime"
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    kind: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    #: Of an hour.
    rate: Mapped[int | None] = mapped_column(BigInteger)
    #: Of a month.
    fee: Mapped[int | None] = mapped_column(BigInteger)
    included_hours: Mapped[Decimal | None] = mapped_column(FixedPoint(HOUR_PLACES))
    #: For so many months unused hours are good.
    carry_periods: Mapped[int]
    cap_hours: Mapped[Decimal | None] = mapped_column(FixedPoint(HOUR_PLACES))
    overtime_threshold_hours: Mapped[Decimal | None] = mapped_column(FixedPoint(HOUR_PLACES))
    overtime_multiplier: Mapped[Decimal | None] = mapped_column(FixedPoint(MULTIPLIER_PLACES))
    #: 0 is to the second.
    rounding_minutes: Mapped[int]
    rounding_direction: Mapped[str] = mapped_column(Text)
    tax_category: Mapped[str] = mapped_column(Text)
    tax_percent: Mapped[Decimal] = mapped_column(FixedPoint(PERCENT_PLACES))
    tax_reason: Mapped[str | None] = mapped_column(Text)
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]
