"""HTTP routes of bills, categories and budgets."""

from fastapi import APIRouter, Depends, Response, status

from app.db.sessions import reading, transaction
from app.domains.banking.owners import OF_ADMINS, OF_MEMBERS
from app.domains.banking.planning import bills, budgets, categories, schemas
from app.domains.banking.scopes import READ, WRITE
from app.domains.banking.service import household_of
from app.tokens.callers import require
from app.values.path_parameters import Cursor, Id, Limit

router = APIRouter(prefix="/banking/households/{household_id}", tags=["bills and budgets"])
may_read = Depends(require(READ, OF_MEMBERS))
may_write = Depends(require(WRITE, OF_ADMINS))


@router.get("/bills", dependencies=[may_read])
def list_bills(household_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.BillPage:
    """The household's bills, in the order in which they were created."""
    with reading() as session:
        page = bills.bills_of(session, household_id=household_id, after=cursor, limit=limit)
    return schemas.BillPage(bills=[schemas.BillView.of(bill) for bill in page.rows], next=page.next)


@router.post("/bills", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def add_bill(household_id: Id, given: schemas.BillIn) -> schemas.BillView:
    """Create a bill."""
    with transaction() as session:
        return schemas.BillView.of(bills.add(session, household_id=household_id, facts=given.facts()))


@router.get("/bills/{bill_id}", dependencies=[may_read])
def get_bill(household_id: Id, bill_id: Id) -> schemas.BillView:
    """One bill."""
    with reading() as session:
        return schemas.BillView.of(bills.bill(session, household_id=household_id, bill_id=bill_id))


@router.put("/bills/{bill_id}", dependencies=[may_write])
def change_bill(household_id: Id, bill_id: Id, given: schemas.BillIn) -> schemas.BillView:
    """Replace a bill."""
    with transaction() as session:
        changed = bills.change(session, household_id=household_id, bill_id=bill_id, facts=given.facts())
        return schemas.BillView.of(changed)


@router.post("/bills/{bill_id}/paid", dependencies=[may_write])
def mark_bill_paid(household_id: Id, bill_id: Id, given: schemas.PaidIn) -> schemas.BillView:
    """Record that the bill was paid for a due date; its rule says when it is due next. Twice counts once."""
    with transaction() as session:
        paid = bills.mark_paid(session, household_id=household_id, bill_id=bill_id, due=given.due)
        return schemas.BillView.of(paid)


@router.delete("/bills/{bill_id}", dependencies=[may_write], status_code=status.HTTP_204_NO_CONTENT)
def remove_bill(household_id: Id, bill_id: Id) -> Response:
    """Delete a bill."""
    with transaction() as session:
        bills.remove(session, household_id=household_id, bill_id=bill_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/categories", dependencies=[may_read])
def list_categories(household_id: Id) -> list[schemas.CategoryView]:
    """The household's categories, in the order in which they were created."""
    with reading() as session:
        found = categories.categories_of(session, household_id=household_id)
    return [schemas.CategoryView.model_validate(one) for one in found]


@router.post("/categories", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def add_category(household_id: Id, given: schemas.CategoryIn) -> schemas.CategoryView:
    """Create a category; transactions that Plaid puts into its `plaid_category` belong to it."""
    with transaction() as session:
        made = categories.add(session, household_id=household_id, **given.model_dump())
        return schemas.CategoryView.model_validate(made)


@router.get("/budgets", dependencies=[may_read])
def list_budgets(household_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.BudgetPage:
    """The household's budgets, in the order in which they were created."""
    with reading() as session:
        page = budgets.budgets_of(session, household_id=household_id, after=cursor, limit=limit)
    views = [schemas.BudgetView.of(budget) for budget in page.rows]
    return schemas.BudgetPage(budgets=views, next=page.next)


@router.post("/budgets", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def add_budget(household_id: Id, given: schemas.BudgetIn) -> schemas.BudgetView:
    """Create a budget; a category has one per period."""
    with transaction() as session:
        currency = household_of(session, household_id=household_id).currency
        made = budgets.add(
            session,
            household_id=household_id,
            category_id=given.category_id,
            period=given.period,
            limits=given.limits(currency),
        )
        return schemas.BudgetView.of(made)


@router.get("/budgets/{budget_id}", dependencies=[may_read])
def get_budget(household_id: Id, budget_id: Id) -> schemas.BudgetView:
    """One budget."""
    with reading() as session:
        return schemas.BudgetView.of(budgets.budget(session, household_id=household_id, budget_id=budget_id))


@router.put("/budgets/{budget_id}", dependencies=[may_write])
def change_budget(household_id: Id, budget_id: Id, given: schemas.LimitsIn) -> schemas.BudgetView:
    """Change the limits of a budget."""
    with transaction() as session:
        found = budgets.budget(session, household_id=household_id, budget_id=budget_id)
        limits = given.limits(found.currency)
        changed = budgets.change(session, household_id=household_id, budget_id=budget_id, limits=limits)
        return schemas.BudgetView.of(changed)


@router.delete("/budgets/{budget_id}", dependencies=[may_write], status_code=status.HTTP_204_NO_CONTENT)
def remove_budget(household_id: Id, budget_id: Id) -> Response:
    """Delete a budget."""
    with transaction() as session:
        budgets.remove(session, household_id=household_id, budget_id=budget_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
