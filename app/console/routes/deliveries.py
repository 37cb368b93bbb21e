"""Deliveries by state, and what a person says of those of which nobody knows whether they were sent."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console import acts, deliveries
from app.console.forms import form_of
from app.console.pages import page
from app.console.places import DELIVERIES
from app.console.routes.callers import Reader
from app.db.sessions import transaction
from app.jobs.ledger.models import Job
from app.jobs.web import permissions
from app.outbound.deliveries import service, settling
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.scopes import SETTLE
from app.outbound.deliveries.settling import Settlement
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED
from app.values.field_errors import FieldError, InvalidFields
from app.values.path_parameters import Id

router = APIRouter()
Settler = Annotated[Caller, Depends(require(SETTLE, OPERATED))]
#: What a form that was sent twice finds when it comes the second time.
_ALREADY: dict[Settlement, set[str]] = {
    Settlement.SENT: {DeliveryState.SENT},
    Settlement.AGAIN: {DeliveryState.WAITING, DeliveryState.SENDING},
    Settlement.GIVEN_UP: {DeliveryState.SUPPRESSED},
}


@router.get(DELIVERIES)
def deliveries_page(request: Request, caller: Reader) -> Response:
    """One page of deliveries."""
    state = deliveries.state_named(request.query_params.get("state", ""))
    cursor = request.query_params.get("cursor") or None
    return page(
        request.scope,
        "deliveries.html.j2",
        found=deliveries.listed(state=state, cursor=cursor, caller=caller),
        state=state,
        states=list(DeliveryState),
        is_first=cursor is None,
    )


@router.get(DELIVERIES + "/{delivery_id}")
def delivery_page(request: Request, delivery_id: Id, caller: Reader) -> Response:
    """One delivery, and the form that settles it."""
    found = deliveries.one(delivery_id, caller=caller)
    return page(request.scope, "delivery.html.j2", delivery=found, may_settle=caller.may(SETTLE))


@router.post(DELIVERIES + "/{delivery_id}/settle")
async def settle(request: Request, delivery_id: Id, caller: Settler) -> Response:
    """Say what became of an uncertain delivery."""
    form = await form_of(request)
    how, seen_at = _how(form), _seen_at(form)
    reason = acts.reason_of(form)
    await run_in_threadpool(_settle, delivery_id, how=how, seen_at=seen_at, reason=reason, caller=caller)
    return RedirectResponse(f"{DELIVERIES}/{delivery_id}", status_code=HTTPStatus.SEE_OTHER)


def _settle(delivery_id: int, *, how: Settlement, seen_at: datetime, reason: str, caller: Caller) -> None:
    with transaction() as session:
        delivery = service.locked(session, delivery_id)
        job = session.get(Job, delivery.job_id) if delivery.job_id else None
        if job is not None:
            permissions.require_tasks({job.task}, caller=caller)
        if delivery.state in _ALREADY[how]:
            return
        settling.settle(session, delivery_id=delivery_id, how=how, reason=reason, seen_at=seen_at)
        acts.note(
            session,
            caller,
            title="Settle an uncertain delivery",
            path=f"{DELIVERIES}/{delivery_id}/settle",
            reason=reason,
            before=DeliveryState.UNCERTAIN,
            after=settling.STATES[how],
        )


def _how(form: dict[str, str]) -> Settlement:
    try:
        return Settlement(form.get("how", ""))
    except ValueError:
        detail = "Say whether it was sent, is to be sent again, or is given up"
        raise InvalidFields([FieldError(detail=detail, parameter="how")]) from None


def _seen_at(form: dict[str, str]) -> datetime:
    try:
        found = datetime.fromisoformat(form.get("seen_at", ""))
        if found.tzinfo is None:
            raise ValueError(found)
    except ValueError:
        detail = "The form is not one of this console; open the delivery's page, and use the form there"
        raise InvalidFields([FieldError(detail=detail, parameter="seen_at")]) from None
    return found
