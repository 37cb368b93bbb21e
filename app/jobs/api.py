"""HTTP routes of the ledger: submit, look, follow, retry, cancel, and what can be submitted."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic.errors import PydanticUserError
from sqlalchemy import select
from sse_starlette import EventSourceResponse

from app import streams
from app.bodies import allow_larger
from app.callers import Caller, declare_scope, require
from app.db import clock, reading, transaction
from app.errors import GroundworkError
from app.jobs import control, events, listing, metrics, registry, schemas, service
from app.jobs.accept import Accepted
from app.jobs.submit import Submission, digest_of, submit

READ = declare_scope("jobs:read", "See jobs, tasks and schedules.")
WRITE = declare_scope("jobs:write", "Submit and cancel jobs.")
RETRY = declare_scope("jobs:retry", "Run dead and cancelled jobs again.")
METRICS = declare_scope("metrics:read", "See the metrics.")

BATCH_PATH = "/api/v1/jobs/batch"
MEBIBYTE = 1024 * 1024
allow_larger(BATCH_PATH, limit=8 * MEBIBYTE)

router = APIRouter(tags=["jobs"])
JobId = Annotated[str, Path(max_length=200, description="The id the job was accepted with.")]


class InvalidIdempotencyKey(GroundworkError):
    """Raised for a key that cannot be one."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_idempotency_key"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key must be sent once, with 1 to 255 printable ASCII characters.")


def _idempotency_key(request: Request) -> str | None:
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not re.fullmatch(schemas.KEY_PATTERN, given[0]):
        raise InvalidIdempotencyKey
    return given[0]


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]


def _key_of(caller: Caller, key: str | None) -> str | None:
    """The key in the ledger: each token has its own keys."""
    return None if key is None else f"api:{caller.token_id}:{key}"


def _submit(submissions: Sequence[Submission], response: Response) -> list[schemas.JobAccepted]:
    with transaction() as session:
        answers = submit(session, submissions)
    if not any(answer.created for answer in answers):
        response.headers["Idempotent-Replayed"] = "true"
    return [_accepted(item, answer) for item, answer in zip(submissions, answers, strict=True)]


def _accepted(item: Submission, answer: Accepted) -> schemas.JobAccepted:
    return schemas.JobAccepted(id=answer.id, task=item.request.task, url=f"/api/v1/jobs/{answer.id}")


@router.post("/api/v1/jobs", status_code=HTTPStatus.ACCEPTED)
def submit_job(
    body: schemas.JobRequest,
    response: Response,
    key: IdempotencyKey,
    caller: Annotated[Caller, Depends(require(WRITE))],
) -> schemas.JobAccepted:
    """Accept a job of a public task. Once answered, it is in the ledger and will be run.

    With an `Idempotency-Key` header the same request may be sent again safely: it stays one job.
    """
    answer = _submit([Submission(request=body, key=_key_of(caller, key))], response)[0]
    response.headers["Location"] = answer.url
    return answer


@router.post(BATCH_PATH, status_code=HTTPStatus.ACCEPTED)
def submit_batch(
    body: schemas.BatchRequest,
    response: Response,
    key: IdempotencyKey,
    caller: Annotated[Caller, Depends(require(WRITE))],
) -> schemas.BatchAccepted:
    """Accept up to 1,000 jobs, all or none.

    Each may have its own `idempotency_key`; an `Idempotency-Key` header stands for the batch as a whole.
    """
    return schemas.BatchAccepted(jobs=_submit(_items(body, key=key, caller=caller), response))


def _items(body: schemas.BatchRequest, *, key: str | None, caller: Caller) -> list[Submission]:
    whole = "".join(digest_of(item) for item in body.jobs) if key else ""
    return [
        Submission(
            request=item,
            key=_key_of(caller, item.idempotency_key or (key and f"{key}/{index}")),
            pointer=f"/jobs/{index}",
            batch="" if item.idempotency_key else whole,
        )
        for index, item in enumerate(body.jobs)
    ]


@router.get("/api/v1/jobs", dependencies=[Depends(require(READ))])
def list_jobs(query: Annotated[schemas.ListQuery, Query()]) -> schemas.JobPage:
    """One page of jobs, the newest first; `next` is the cursor of the page after it."""
    with reading() as session:
        page = listing.list_jobs(
            session, filters=query, states=query.state, limit=query.limit, cursor=query.cursor
        )
    return schemas.JobPage(jobs=[schemas.JobSummary.model_validate(row) for row in page.jobs], next=page.next)


@router.post("/api/v1/jobs/retry", dependencies=[Depends(require(RETRY))])
def retry_dead_jobs(body: schemas.BulkRetryRequest) -> schemas.BulkRetried:
    """Run the dead jobs that the filter fits again, the oldest first, up to `limit`."""
    with reading() as session:
        started = session.execute(select(clock())).scalar_one()
    retried = 0
    while retried < body.limit:
        batch = min(service.RETRY_BATCH, body.limit - retried)
        with transaction() as session:
            revived = service.retry_dead(session, filters=body, dead_before=started, limit=batch)
        retried += revived
        if revived < batch:
            return schemas.BulkRetried(retried=retried, more=False)
    return schemas.BulkRetried(retried=retried, more=True)


@router.get("/api/v1/jobs/{job_id}", dependencies=[Depends(require(READ))])
def get_job(job_id: JobId) -> schemas.JobDetail:
    """A job with its arguments, attempts, progress, and result or error."""
    with reading() as session:
        return service.detail_of(session, job_id=job_id)


@router.post("/api/v1/jobs/{job_id}/retry", dependencies=[Depends(require(RETRY))])
def retry_job(job_id: JobId) -> schemas.JobDetail:
    """Run a dead or cancelled job again."""
    with transaction() as session:
        service.retry_job(session, job_id=job_id)
        return service.detail_of(session, job_id=job_id)


@router.post("/api/v1/jobs/{job_id}/cancel")
def cancel_job(
    job_id: JobId, background: BackgroundTasks, caller: Annotated[Caller, Depends(require(WRITE))]
) -> schemas.JobDetail:
    """Cancel a job that is not finished. What a running one did since its last checkpoint is undone."""
    with transaction() as session:
        if service.cancel_job(session, job_id=job_id, reason=f"Cancelled by {caller.name}"):
            background.add_task(control.ask_to_stop, job_id)
        return service.detail_of(session, job_id=job_id)


@router.get("/api/v1/jobs/{job_id}/events", dependencies=[Depends(require(READ))])
def follow_job(job_id: JobId) -> EventSourceResponse:
    """Server-sent events: `job` at each change, `end` when the job is finished."""
    with reading() as session:
        service.find_job(session, job_id=job_id)
    streams.refuse_when_full()
    return EventSourceResponse(events.events_of(job_id), ping=int(streams.HEARTBEAT.total_seconds()))


@router.get("/api/v1/tasks", tags=["tasks"], dependencies=[Depends(require(READ))])
def list_tasks() -> list[schemas.TaskView]:
    """Every task; those marked public can be submitted with arguments of the given schema."""
    return [_task_view(spec) for spec in registry.tasks().values()]


def _task_view(spec: registry.TaskSpec) -> schemas.TaskView:
    return schemas.TaskView(
        name=spec.name,
        doc=spec.doc,
        queue=spec.queue,
        priority=schemas.priority_name(spec.priority),
        public=spec.public,
        durable=spec.durable,
        schedule=spec.schedule.describe() if spec.schedule else None,
        sensitive=sorted(spec.sensitive),
        max_attempts=spec.max_attempts,
        arguments=_schema_of(spec),
    )


def _schema_of(spec: registry.TaskSpec) -> dict[str, Any] | None:
    try:
        return spec.model.model_json_schema()
    except PydanticUserError:
        return None  # an internal task may take what JSON schema has no word for


@router.get(
    "/metrics",
    tags=["health"],
    response_class=PlainTextResponse,
    dependencies=[Depends(require(METRICS))],
)
def get_metrics() -> Response:
    """The metrics in Prometheus' text format."""
    return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)
