"""What is done to many jobs: which were chosen, how it goes, what was left alone; begin it, and stop it."""

import json
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console.acts import reason_of
from app.console.forms import form_of
from app.console.pages import page
from app.console.places import BULK, bulk_at
from app.console.questions import looking
from app.console.routes.callers import Reader
from app.db.sessions import transaction
from app.domains.bulk import pace as paces
from app.domains.bulk import service
from app.domains.bulk.models import BulkAct
from app.errors import InvalidInput
from app.jobs.chosen import Act
from app.jobs.scopes import RETRY
from app.tokens.callers import Caller, MissingScope, require
from app.tokens.owners import OPERATED
from app.values.path_parameters import Id

AT = f"{BULK}/{{act_id}}"

router = APIRouter()
#: Whoever may do the least of the three; what an act needs is asked for with it.
Doer = Annotated[Caller, Depends(require(RETRY, OPERATED))]
MAX_TASKS, MAX_LEFT_ALONE = 20, 100


@router.get(BULK)
def list_acts(request: Request, _: Reader) -> Response:
    """The acts that were begun last."""
    with looking() as session:
        found = service.latest(session)
    return page(request.scope, "bulk/list.html.j2", acts=found)


@router.get(AT)
def show_act(request: Request, act_id: Id, caller: Reader) -> Response:
    """One act."""
    return _page(request, act_id, caller=caller)


@router.get(f"{AT}/left-alone.json")
def download_left_alone(act_id: Id, _: Reader) -> Response:
    """Its jobs that were left as they are, each with the reason."""
    with looking() as session:
        act = service.find(session, act_id)
        jobs = [
            {"job": one.job_id, "task": one.task, "reason": one.problem}
            for one in service.left_alone(session, act_id)
        ]
    about = {"act": act.act, "begun_at": act.begun_at and act.begun_at.isoformat(), "left_alone": jobs}
    return Response(
        json.dumps(about, indent=2),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="bulk-{act_id}-left-alone.json"',
            "Cache-Control": "no-store",
        },
    )


@router.post(f"{AT}/begin")
async def begin_act(request: Request, act_id: Id, caller: Doer) -> Response:
    """Begin it, once however often the form is sent."""
    form = await form_of(request)
    try:
        await run_in_threadpool(_begin, act_id, form, caller=caller)
    except InvalidInput as error:
        request.state.problem_code = error.code  # for whoever observes the request
        return await run_in_threadpool(_page, request, act_id, caller=caller, form=form, error=error)
    return RedirectResponse(bulk_at(act_id), status_code=HTTPStatus.SEE_OTHER)


@router.post(f"{AT}/stop")
async def stop_act(request: Request, act_id: Id, caller: Doer) -> Response:
    """Do no more of it; what was done stays done."""
    await form_of(request)
    await run_in_threadpool(_stop, act_id, caller=caller)
    return RedirectResponse(bulk_at(act_id), status_code=HTTPStatus.SEE_OTHER)


def _begin(act_id: int, form: dict[str, str], *, caller: Caller) -> None:
    with transaction() as session:
        act = service.find(session, act_id)
        _require(act, caller=caller)
        number, per = form.get("pace", ""), form.get("per", "")
        pace = paces.pace_of(number=number, per=per, jobs=act.jobs)
        service.begin(
            session,
            act_id,
            reason=reason_of(form),
            pace=pace,
            user_name=caller.name,
            user_id=caller.user_id,
        )


def _stop(act_id: int, *, caller: Caller) -> None:
    with transaction() as session:
        _require(service.find(session, act_id), caller=caller)
        service.stop(session, act_id, user_name=caller.name, user_id=caller.user_id)


def _require(act: BulkAct, *, caller: Caller) -> None:
    scope = Act(act.act).scope
    if not caller.may(scope):
        raise MissingScope(scope=scope)


def _page(
    request: Request,
    act_id: int,
    *,
    caller: Caller,
    form: dict[str, str] | None = None,
    error: InvalidInput | None = None,
) -> Response:
    with looking() as session:
        act = service.find(session, act_id)
        tasks = service.by_task(session, act_id, most=MAX_TASKS)
        left_alone = service.left_alone(session, act_id, most=MAX_LEFT_ALONE) if act.left_alone else []
    return page(
        request.scope,
        "bulk/act.html.j2",
        status=error.status if error else HTTPStatus.OK,
        sentence=str(error) if error else None,
        form=form or {},
        act=act,
        tasks=tasks,
        left_alone=left_alone,
        pace=paces.of(act),
        per=list(paces.PER),
        may=caller.may(Act(act.act).scope),
    )
