"""Alerts: what is wrong, what was, and what is not told for a while."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console import acts, alerts
from app.console.forms import form_of, time_in
from app.console.pages import page
from app.console.places import ALERTS, MUTE, UNMUTE
from app.db.sessions import transaction
from app.health.checks.scopes import INSPECT
from app.outbound.alerts import muting
from app.outbound.alerts.models import ALL_SUBJECTS
from app.outbound.alerts.scopes import MUTE as MAY_MUTE
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE
from app.values.row_ids import MAX_BIGINT

router = APIRouter()
Muter = Annotated[Caller, Depends(require(MAY_MUTE, BY_SCOPE))]


@router.get(ALERTS, dependencies=[Depends(require(INSPECT, BY_SCOPE))])
def alerts_page(
    request: Request, before: Annotated[int | None, Query(ge=1, le=MAX_BIGINT)] = None
) -> Response:
    """What is open, what was, and what is muted."""
    return page(
        request.scope,
        "alerts.html.j2",
        seen=alerts.look(before=before),
        before=before,
        most_of_reason=acts.MAX_REASON,
        all_subjects=ALL_SUBJECTS,
    )


@router.post(MUTE)
async def mute(request: Request, caller: Muter) -> Response:
    """Keep alerts from being told until some time."""
    form = await form_of(request)
    asked, until = alerts.asked(form), time_in(form)
    await run_in_threadpool(_mute, asked, until, acts.reason_of(form), caller=caller)
    return RedirectResponse(ALERTS, status_code=HTTPStatus.SEE_OTHER)


@router.post(UNMUTE)
async def unmute(request: Request, caller: Muter) -> Response:
    """Have them told again."""
    asked = alerts.asked(await form_of(request))
    await run_in_threadpool(_unmute, asked, caller=caller)
    return RedirectResponse(ALERTS, status_code=HTTPStatus.SEE_OTHER)


def _mute(asked: alerts.Asked, until: datetime, reason: str, *, caller: Caller) -> None:
    kind, subject = asked.kind, asked.subject
    with transaction() as session:
        before = muting.told_by(muting.find(session, kind=kind, subject=subject))
        if muting.mute(session, kind=kind, subject=subject, until=until, reason=reason, by=caller.name):
            changes = {"before": before, "after": {"until": until.isoformat(), "reason": reason}}
            acts.note(session, caller, title="Mute alerts", path=asked.path, **changes)


def _unmute(asked: alerts.Asked, *, caller: Caller) -> None:
    kind, subject = asked.kind, asked.subject
    with transaction() as session:
        before = muting.told_by(muting.find(session, kind=kind, subject=subject))
        if muting.unmute(session, kind=kind, subject=subject, by=caller.name):
            changes = {"before": before, "after": None}
            acts.note(session, caller, title="Tell of alerts again", path=asked.path, **changes)
