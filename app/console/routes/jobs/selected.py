"""What is done to several jobs at once: those that were selected on a page of the list."""

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTasks
from starlette.concurrency import run_in_threadpool

from app.console.acts import reason_of
from app.console.forms import form_of
from app.console.jobs.changing import Act, change_each, stop
from app.console.jobs.errors import NotSelected
from app.console.jobs.listed import PAGE
from app.console.pages import page
from app.console.places import JOBS
from app.console.routes.callers import Retrier, Writer
from app.tokens.callers import Caller

router = APIRouter()
#: How the field of a job that may be selected begins; its id follows.
SELECTED = "job:"
#: Far more than any page of ours sends.
MAX_FIELDS = 1_000


@router.post(f"{JOBS}/{Act.RETRY}")
async def retry_selected(request: Request, caller: Retrier) -> Response:
    """Run the selected jobs again."""
    return await _change(request, Act.RETRY, caller=caller)


@router.post(f"{JOBS}/{Act.CANCEL}")
async def cancel_selected(request: Request, caller: Writer) -> Response:
    """Cancel the selected jobs."""
    return await _change(request, Act.CANCEL, caller=caller)


async def _change(request: Request, act: Act, *, caller: Caller) -> Response:
    form = await form_of(request, most=MAX_FIELDS)
    reason = reason_of(form)
    versions = {name.removeprefix(SELECTED): form[name] for name in form if name.startswith(SELECTED)}
    if not 1 <= len(versions) <= PAGE:
        raise NotSelected(number=len(versions), most=PAGE)
    changed = await run_in_threadpool(change_each, versions, act, reason=reason, caller=caller)
    shown = page(request.scope, "jobs/changed.html.j2", act=act, changed=changed)
    shown.background = BackgroundTasks()
    for one in changed:
        if one.stops:
            shown.background.add_task(stop, one.id)
    return shown
