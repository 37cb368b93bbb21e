"""What the API of bills, categories and budgets takes and gives.

Amounts are strings: a JSON number would be a float.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field

from app.domains.banking.models import Bill, BillRule, Budget, Period
from app.domains.banking.planning.bills import BillFacts
from app.domains.banking.planning.budgets import USUAL_THRESHOLDS, Limits
from app.values.money import to_decimal, to_minor
from app.values.patterned_text import CURRENCY, Patterned
from app.values.row_ids import RowId
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE


def _above_zero(text: str) -> str:
    if not Decimal(text):
        raise ValueError("give an amount above zero")
    return text


Amount = Annotated[
    str,
    Patterned(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$",
        sentence="Write an amount above zero as text of at most 12 digits before the point and 4 behind it",
        such_as="12.50",
    ),
    AfterValidator(_above_zero),
]
Name = Annotated[str, Field(max_length=100), ONE_LINE]
Currency = Annotated[str, CURRENCY]
Due = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
PlaidCategory = Annotated[
    str,
    Patterned(
        pattern=r"^[A-Z_]{1,60}$",
        sentence="Write a category of Plaid as capital letters and _",
        such_as="FOOD_AND_DRINK",
    ),
]
Threshold = Annotated[int, Field(ge=1, le=1_000)]


def _shown(minor: int, currency: str) -> str:
    return str(to_decimal(minor, currency))


class BillIn(StrictModel):
    """A bill as a person describes it."""

    name: Name
    amount: Amount
    currency: Currency
    rule: BillRule
    next_due: Due | None = Field(description="Null when it is not due any more.")
    due_day: Annotated[int, Field(ge=1, le=31)] | None = Field(
        default=None,
        description="The day of the month to keep to, such as 31 of a bill that is due on 28 February.",
    )
    autopay: bool = False

    def facts(self) -> BillFacts:
        """As the service takes it."""
        return BillFacts(
            name=self.name,
            amount=to_minor(Decimal(self.amount), self.currency),
            currency=self.currency,
            rule=self.rule,
            next_due=self.next_due,
            due_day=self.due_day,
            autopay=self.autopay,
        )


class PaidIn(StrictModel):
    """That a bill was paid; `due` is the day for which."""

    due: Due


class BillView(BaseModel):
    """A bill of a household."""

    id: int
    name: str
    amount: str
    currency: str
    rule: BillRule
    next_due: date | None
    due_day: int
    autopay: bool

    @classmethod
    def of(cls, bill: Bill) -> Self:
        """As the API shows it."""
        return cls(
            id=bill.id,
            name=bill.name,
            amount=_shown(bill.amount, bill.currency),
            currency=bill.currency,
            rule=BillRule(bill.rule),
            next_due=bill.next_due,
            due_day=bill.due_day,
            autopay=bill.autopay,
        )


class BillPage(BaseModel):
    """Some bills; `next` is the cursor of the page after, null on the last."""

    bills: list[BillView]
    next: int | None


class CategoryIn(StrictModel):
    """A category; `plaid_category` is the one of Plaid's whose transactions it takes."""

    name: Name
    parent_id: RowId | None = None
    plaid_category: PlaidCategory | None = None


class CategoryView(RowView):
    """A category of a household."""

    id: int
    name: str
    parent_id: int | None
    plaid_category: str | None


class LimitsIn(StrictModel):
    """How much may be spent, in the household's currency, and when to tell."""

    amount: Amount
    thresholds: Annotated[tuple[Threshold, ...], Field(min_length=1, max_length=10)] = USUAL_THRESHOLDS
    include_pending: bool = True
    is_active: bool = True

    def limits(self, currency: str) -> Limits:
        """As the service takes them."""
        return Limits(
            amount=to_minor(Decimal(self.amount), currency),
            thresholds=self.thresholds,
            include_pending=self.include_pending,
            is_active=self.is_active,
        )


class BudgetIn(LimitsIn):
    """A budget for a category and all categories below it."""

    category_id: RowId
    period: Period


class BudgetView(BaseModel):
    """A budget of a household."""

    id: int
    category_id: int
    period: Period
    amount: str
    currency: str
    thresholds: list[int]
    include_pending: bool
    is_active: bool

    @classmethod
    def of(cls, budget: Budget) -> Self:
        """As the API shows it."""
        return cls(
            id=budget.id,
            category_id=budget.category_id,
            period=Period(budget.period),
            amount=_shown(budget.amount, budget.currency),
            currency=budget.currency,
            thresholds=budget.thresholds,
            include_pending=budget.include_pending,
            is_active=budget.is_active,
        )


class BudgetPage(BaseModel):
    """Some budgets; `next` is the cursor of the page after, null on the last."""

    budgets: list[BudgetView]
    next: int | None
