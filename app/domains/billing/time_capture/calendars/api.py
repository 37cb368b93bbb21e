"""HTTP routes of the rules by which events of calendars become entries."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends

from app.db.sessions import reading, transaction
from app.domains.accounts.facts import OF_USER
from app.domains.billing.scopes import READ, WRITE
from app.domains.billing.time_capture.calendars import rules, schemas
from app.settings.business_clock import business_now
from app.tokens.callers import require
from app.values.path_parameters import Id

router = APIRouter(prefix="/api/v1", tags=["time entries"])
may_read = Depends(require(READ, OF_USER))
may_write = Depends(require(WRITE, OF_USER))


@router.get("/users/{user_id}/capture-rules", dependencies=[may_read])
def list_rules(user_id: Id) -> schemas.CaptureRules:
    """The rules by which events of a user's calendars become time entries."""
    with reading() as session:
        return _shown(rules.rules_of(session, user_id=user_id))


@router.put("/users/{user_id}/capture-rules", dependencies=[may_write])
def replace_rules(user_id: Id, given: schemas.CaptureRulesIn) -> schemas.CaptureRules:
    """Replace them all. Events of the last two months that are no entries yet are looked at anew."""
    with transaction() as session:
        return _shown(rules.replace(session, user_id=user_id, rules=given.facts(), now=business_now()))


def _shown(rows: Sequence[Any]) -> schemas.CaptureRules:
    return schemas.CaptureRules(rules=[schemas.CaptureRuleView.model_validate(row) for row in rows])
