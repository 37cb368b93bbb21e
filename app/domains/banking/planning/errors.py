"""What can go wrong with bills and budgets, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from datetime import date


class BillNotFound(NotFound):
    """Raised for an id that no bill of the household has."""

    code = "bill_not_found"

    def __init__(self, *, bill_id: int, household_id: int) -> None:
        super().__init__(
            f"Household {household_id} has no bill with the id {bill_id}. "
            f"GET /api/v1/banking/households/{household_id}/bills lists them."
        )


class NotDueThen(Conflict):
    """Raised when a bill is said to be paid for a day on which it is not due."""

    code = "not_due_then"

    def __init__(self, *, name: str, due: date, next_due: date | None) -> None:
        when = "not due any more" if next_due is None else f"due on {next_due} next"
        super().__init__(f'The bill "{name}" is {when}, not on {due}. Say for which day it was paid.')


class DueDayDiffers(InvalidInput):
    """Raised for a due day that the next due date does not keep to."""

    code = "due_day_differs"

    def __init__(self, *, due_day: int, next_due: date) -> None:
        super().__init__(
            f"A bill that keeps to day {due_day} of the month is not due on {next_due}. Leave due_day out, "
            "or give the date that it means in that month."
        )


class BudgetNotFound(NotFound):
    """Raised for an id that no budget of the household has."""

    code = "budget_not_found"

    def __init__(self, *, budget_id: int, household_id: int) -> None:
        super().__init__(
            f"Household {household_id} has no budget with the id {budget_id}. "
            f"GET /api/v1/banking/households/{household_id}/budgets lists them."
        )


class CategoryNotOfHousehold(NotFound):
    """Raised for an id that no category of the household has."""

    code = "category_not_found"

    def __init__(self, *, category_id: int, household_id: int) -> None:
        super().__init__(f"Household {household_id} has no category with the id {category_id}.")


class CategoryExists(Conflict):
    """Raised when the household has a category of that name, or one that takes the same transactions."""

    code = "category_exists"

    def __init__(self, *, name: str, plaid_category: str | None) -> None:
        also = f" or for Plaid's {plaid_category}" if plaid_category else ""
        super().__init__(f'The household already has a category "{name}"{also}. Use that one.')


class BudgetExists(Conflict):
    """Raised when a category has a budget for the period."""

    code = "budget_exists"

    def __init__(self, *, category_id: int, period: str) -> None:
        super().__init__(
            f"Category {category_id} has a budget per {period}. Change that one, or delete it first."
        )
