"""HTTP routes of billing rules: what time costs is shown to admins of the tenant alone."""

from fastapi import APIRouter, Depends, status

from app.db.sessions import reading, transaction
from app.domains.billing import billing_rules
from app.domains.billing.owners import CLIENT_OF_ADMINS, RULE_OF_ADMINS
from app.domains.billing.rules.schemas import RuleEnd, RuleIn
from app.domains.billing.rules.views import RulePage, RuleView
from app.domains.billing.scopes import READ, WRITE
from app.tokens.callers import require
from app.values.path_parameters import Cursor, Id, Limit

router = APIRouter()
may_write = Depends(require(WRITE, RULE_OF_ADMINS))


@router.get("/clients/{client_id}/rules", dependencies=[Depends(require(READ, CLIENT_OF_ADMINS))])
def list_rules(client_id: Id, limit: Limit = 50, cursor: Cursor = None) -> RulePage:
    """A client's billing rules, in the order in which they were created."""
    with reading() as session:
        page = billing_rules.page_of_rules(session, client_id=client_id, after=cursor, limit=limit)
    return RulePage(rules=[RuleView.of(row) for row in page.rows], next=page.next)


@router.post(
    "/clients/{client_id}/rules",
    dependencies=[Depends(require(WRITE, CLIENT_OF_ADMINS))],
    status_code=status.HTTP_201_CREATED,
)
def add_rule(client_id: Id, given: RuleIn) -> RuleView:
    """Say what work costs, from one day on; no other rule for the same work may share a day with it."""
    with transaction() as session:
        return RuleView.of(billing_rules.add(session, client_id=client_id, columns=given.columns()))


@router.get("/rules/{rule_id}", dependencies=[Depends(require(READ, RULE_OF_ADMINS))])
def get_rule(rule_id: Id) -> RuleView:
    """One billing rule."""
    with reading() as session:
        return RuleView.of(billing_rules.rule(session, rule_id=rule_id))


@router.put("/rules/{rule_id}", dependencies=[may_write])
def replace_rule(rule_id: Id, given: RuleIn) -> RuleView:
    """Say anew what work costs; 409 once the rule was charged by."""
    with transaction() as session:
        return RuleView.of(billing_rules.replace(session, rule_id=rule_id, columns=given.columns()))


@router.post("/rules/{rule_id}/end", dependencies=[may_write])
def end_rule(rule_id: Id, given: RuleEnd) -> RuleView:
    """Set the last day of a rule, or none; 409 for days that it was charged for."""
    with transaction() as session:
        return RuleView.of(billing_rules.end(session, rule_id=rule_id, effective_to=given.effective_to))


@router.delete("/rules/{rule_id}", dependencies=[may_write], status_code=status.HTTP_204_NO_CONTENT)
def remove_rule(rule_id: Id) -> None:
    """Delete a rule; 409 once it was charged by."""
    with transaction() as session:
        billing_rules.remove(session, rule_id=rule_id)
