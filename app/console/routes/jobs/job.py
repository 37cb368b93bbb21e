"""The page of a job, and what it was given and gave as files."""

import re
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.console.jobs import telling, whole
from app.console.live import shared
from app.console.pages import page
from app.console.places import JOBS
from app.console.questions import looking
from app.console.routes.callers import Reader
from app.jobs.web.bundle import evidence_of

AT = f"{JOBS}/{{job_id}}"

router = APIRouter()
JobId = Annotated[str, Path(max_length=200)]
#: What no name of a file holds, nor a header.
_UNFIT = re.compile(r"[^A-Za-z0-9.-]")


#: What was done to it a moment ago, as the address says.
DONE = {
    "retry": "It runs again.",
    "cancel": "It is cancelled.",
    "again": "This is the new job.",
    "known": "Nothing was done: the form was sent before, or another job stands for it. It is this one.",
}


class Part(StrEnum):
    """What of a job there is as a file."""

    ARGUMENTS = "arguments"
    RESULT = "result"
    PROGRESS = "progress"


@router.get(AT)
def show_job(request: Request, job_id: JobId, caller: Reader) -> Response:
    """All that is known of a job, as far as it is for these eyes."""
    found = shared(request.scope, whole.look_at, job_id=job_id, caller=caller)
    return page(
        request.scope,
        "jobs/job.html.j2",
        found=found,
        job=found.job,
        done=DONE.get(request.query_params.get("done", "")),
        only_own=caller.only_user is not None,
    )


@router.get(f"{AT}/evidence.json")
def download_evidence(job_id: JobId, caller: Reader) -> Response:
    """Everything about a job as one file to hand on, masked."""
    found = evidence_of(job_id, looking=looking, caller=caller)
    return _file(whole.written(found), name=f"job-{_UNFIT.sub('_', job_id)}.json")


@router.get(f"{AT}/log.txt")
def download_log(job_id: JobId, caller: Reader) -> Response:
    """All that is kept of what the job has logged, as text."""
    text = telling.log_text(job_id, caller=caller)
    name = f"job-{_UNFIT.sub('_', job_id)}.log.txt"
    return _file(text, name=name, media_type="text/plain; charset=utf-8")


@router.get(f"{AT}/{{part}}.json")
def download(job_id: JobId, part: Part, caller: Reader) -> Response:
    """A part of a job whole, masked as on its page."""
    found = getattr(whole.detail(job_id, caller=caller), part)
    return _file(whole.written(found), name=f"{part}.json")


def _file(text: str, *, name: str, media_type: str = "application/json") -> Response:
    return Response(
        text.encode(errors="backslashreplace"),
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
