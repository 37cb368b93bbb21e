"""What is done to a job from its page: run it again, cancel it, run it as a new one with other arguments."""

import secrets
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console.acts import reason_of
from app.console.forms import form_of, once_in
from app.console.jobs import again
from app.console.jobs.changing import Act, change, stop
from app.console.pages import page
from app.console.places import job_at
from app.console.routes.callers import Retrier, Writer
from app.console.routes.jobs.job import AT, JobId
from app.errors import GroundworkError

router = APIRouter()


@router.post(f"{AT}/{Act.RETRY}")
async def retry_job(request: Request, job_id: JobId, caller: Retrier) -> Response:
    """Run a dead or cancelled job again."""
    version = (await form_of(request)).get("version", "")
    await run_in_threadpool(change, job_id, Act.RETRY, version=version, caller=caller)
    return _to(job_id, done="retry")


@router.post(f"{AT}/{Act.CANCEL}")
async def cancel_job(request: Request, job_id: JobId, caller: Writer) -> Response:
    """Cancel a job that is not finished."""
    version = (await form_of(request)).get("version", "")
    stops = await run_in_threadpool(change, job_id, Act.CANCEL, version=version, caller=caller)
    return _to(job_id, done="cancel", then=BackgroundTask(stop, job_id) if stops else None)


@router.get(f"{AT}/again")
def edit_job(request: Request, job_id: JobId, caller: Writer) -> Response:
    """The arguments of a job, to be edited and run as a new one."""
    text = again.text_of(job_id, caller=caller)
    return _form(request, job_id, text=text, once=secrets.token_hex(16))


@router.post(f"{AT}/again")
async def run_again(request: Request, job_id: JobId, caller: Writer) -> Response:
    """Accept a new job of the same task with these arguments."""
    form = await form_of(request)
    once, text = once_in(form), form.get("arguments", "")
    try:
        reason = reason_of(form)
        made = await run_in_threadpool(
            again.run_again, job_id, text=text, once=once, reason=reason, caller=caller
        )
    except GroundworkError as error:
        if error.status is not HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        request.state.problem_code = error.code  # for whoever observes the request
        reason = form.get("reason", "")
        return _form(request, job_id, text=text, once=once, reason=reason, sentence=str(error))
    return _to(made.id, done="again" if made.created else "known")


def _to(job_id: str, *, done: str, then: BackgroundTask | None = None) -> Response:
    return RedirectResponse(
        f"{job_at(job_id)}?done={done}", status_code=HTTPStatus.SEE_OTHER, background=then
    )


def _form(
    request: Request, job_id: str, *, text: str, once: str, reason: str = "", sentence: str | None = None
) -> Response:
    status = HTTPStatus.OK if sentence is None else HTTPStatus.UNPROCESSABLE_ENTITY
    return page(
        request.scope,
        "jobs/again.html.j2",
        status=status,
        job_id=job_id,
        text=text,
        once=once,
        reason=reason,
        sentence=sentence,
    )
