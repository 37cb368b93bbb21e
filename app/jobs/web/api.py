"""HTTP routes of the ledger: submit, look, follow, retry, cancel, and what can be submitted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, BackgroundTasks, Depends, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy import select
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.http import streams
from app.http.bodies import allow_larger
from app.http.parsed import ParsedRoute
from app.http.routing import quickly
from app.jobs import cancelling, listing, service
from app.jobs.accept import Accepted
from app.jobs.celery import control
from app.jobs.declaration import registry
from app.jobs.scopes import METRICS, READ, RETRY, WRITE
from app.jobs.views import JobDetail, JobSummary, priority_name
from app.jobs.web import (
    events,
    gathering,
    metrics,
    pages,
    permissions,
    quick,
    readers,
    schemas,
    statistics,
    task_states,
)
from app.jobs.web import log as job_log
from app.jobs.web.idempotency import IdempotencyKey, key_of
from app.jobs.web.submit import Submission, digest_of, submit, submit_one
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE, OPERATED

log = structlog.get_logger(__name__)

BATCH_PATH = "/api/v1/jobs/batch"
MEBIBYTE = 1024 * 1024
allow_larger(BATCH_PATH, limit=8 * MEBIBYTE)


@asynccontextmanager
async def at_work(app: Any) -> AsyncIterator[None]:
    """The threads of a process of the API that accept and read jobs for its requests."""
    async with gathering.gathering(app), readers.reading_along(app):
        yield


router = APIRouter(tags=["jobs"], route_class=ParsedRoute, lifespan=at_work)
router.include_router(task_states.router)
router.include_router(statistics.router)
router.include_router(job_log.router)
JobId = Annotated[str, Path(max_length=200, description="The id the job was accepted with.")]
Reader = Annotated[Caller, Depends(require(READ, OPERATED))]
Writer = Annotated[Caller, Depends(require(WRITE, OPERATED))]
Retrier = Annotated[Caller, Depends(require(RETRY, OPERATED))]


def _submit(
    submissions: Sequence[Submission], response: Response, *, caller: Caller
) -> list[schemas.JobAccepted]:
    permissions.require_tasks(registry.known(item.request.task for item in submissions), caller=caller)
    with transaction() as session:
        answers = submit(session, submissions)
    if not any(answer.created for answer in answers):
        response.headers["Idempotent-Replayed"] = "true"
    return [_accepted(item, answer) for item, answer in zip(submissions, answers, strict=True)]


def _accepted(item: Submission, answer: Accepted) -> schemas.JobAccepted:
    return schemas.JobAccepted(id=answer.id, task=item.request.task, url=f"/api/v1/jobs/{answer.id}")


@router.post("/api/v1/jobs", status_code=HTTPStatus.ACCEPTED, response_model=schemas.JobAccepted)
@quickly(quick.submit_job)
async def submit_job(body: schemas.JobRequest, key: IdempotencyKey, caller: Writer) -> Response:
    """Accept a job of a public task. Once answered, it is in the ledger and will be run.

    With an `Idempotency-Key` header the same request may be sent again safely: it stays one job.
    """
    permissions.require_tasks(registry.known([body.task]), caller=caller)
    item = Submission(request=body, key=key_of(caller, key))
    answer = await submit_one(item)
    return quick.accepted(answer.id, task=body.task, replayed=not answer.created)


@router.post(BATCH_PATH, status_code=HTTPStatus.ACCEPTED)
def submit_batch(
    body: schemas.BatchRequest, response: Response, key: IdempotencyKey, caller: Writer
) -> schemas.BatchAccepted:
    """Accept up to 1,000 jobs, all or none.

    Each may have its own `idempotency_key`; an `Idempotency-Key` header stands for the batch as a whole.
    """
    items = _items(body, key=key, caller=caller)
    return schemas.BatchAccepted(jobs=_submit(items, response, caller=caller))


def _items(body: schemas.BatchRequest, *, key: str | None, caller: Caller) -> list[Submission]:
    whole = "".join(digest_of(item) for item in body.jobs) if key else ""
    return [
        Submission(
            request=item,
            key=key_of(caller, item.idempotency_key or (key and f"{key}/{index}")),
            pointer=f"/jobs/{index}",
            batch="" if item.idempotency_key else whole,
        )
        for index, item in enumerate(body.jobs)
    ]


@router.get("/api/v1/jobs", response_model=schemas.JobPage)
@quickly(quick.list_jobs)
async def list_jobs(query: Annotated[schemas.ListQuery, Query()], caller: Reader) -> Response:
    """One page of jobs, the newest first; `next` is the cursor of the page after it."""
    along = readers.current() if pages.is_plain(query) else None
    page = (
        await along.read(pages.Page(limit=query.limit, cursor=query.cursor, caller=caller)) if along else None
    )
    if page is None:
        page = await run_in_threadpool(_listed, query, caller=caller)
    return Response(page, media_type="application/json")


def _listed(query: schemas.ListQuery, *, caller: Caller) -> bytes:
    with reading() as session:
        page = listing.list_jobs(
            session,
            filters=query,
            states=query.state,
            within=permissions.readable(caller) if query.error or query.key else None,
            limit=query.limit,
            cursor=query.cursor,
        )
    jobs = [permissions.shown(JobSummary.model_validate(row), caller=caller) for row in page.jobs]
    return schemas.JobPage(jobs=jobs, next=page.next).model_dump_json().encode()


@router.post("/api/v1/jobs/retry")
def retry_dead_jobs(body: schemas.BulkRetryRequest, caller: Retrier) -> schemas.BulkRetried:
    """Run the dead jobs that match the filter again, the oldest first, up to `limit`.

    Without a `task`, jobs of tasks whose scope the token lacks are left alone.
    """
    if body.task is not None:
        permissions.require_tasks({body.task}, caller=caller)
    within = permissions.within_reach(caller, narrowed_by=body.error or body.key)
    with reading() as session:
        started = session.execute(select(clock())).scalar_one()
    retried = 0
    while retried < body.limit:
        batch = min(service.RETRY_BATCH, body.limit - retried)
        with transaction() as session:
            revived = service.retry_dead(
                session, filters=body, dead_before=started, limit=batch, within=within
            )
        retried += revived
        if revived < batch:
            return schemas.BulkRetried(retried=retried, more=False)
    return schemas.BulkRetried(retried=retried, more=True)


@router.post("/api/v1/jobs/cancel")
def cancel_waiting_jobs(body: schemas.BulkCancelRequest, caller: Writer) -> schemas.BulkCancelled:
    """Cancel the waiting jobs that match the filter, the oldest first, up to `limit`; running ones go on.

    Without a `task`, jobs of tasks whose scope the token lacks are left alone.
    """
    if body.task is not None:
        permissions.require_tasks({body.task}, caller=caller)
    found = cancelling.cancel_in_batches(
        body,
        reason=f"Cancelled by {caller.name}",
        limit=body.limit,
        within=permissions.within_reach(caller, narrowed_by=body.error or body.key),
    )
    return schemas.BulkCancelled(cancelled=found.jobs, more=found.jobs == body.limit)


@router.get("/api/v1/jobs/{job_id}")
def get_job(job_id: JobId, caller: Reader) -> JobDetail:
    """A job with its arguments, attempts, progress, and result or error.

    `hidden_without` names the scope without which arguments, progress, result and tracebacks are not shown.
    """
    with reading() as session:
        return permissions.shown_whole(service.detail_of(session, job_id=job_id), caller=caller)


@router.post("/api/v1/jobs/{job_id}/retry")
def retry_job(job_id: JobId, caller: Retrier) -> JobDetail:
    """Run a dead or cancelled job again."""
    with transaction() as session:
        permissions.require_tasks({service.find_job(session, job_id=job_id).task}, caller=caller)
        service.retry_job(session, job_id=job_id)
        detail = service.detail_of(session, job_id=job_id, asks_broker=False)
        return permissions.shown_whole(detail, caller=caller)


@router.post("/api/v1/jobs/{job_id}/cancel")
def cancel_job(job_id: JobId, background: BackgroundTasks, caller: Writer) -> JobDetail:
    """Cancel a job that is not finished. What a running one did since its last checkpoint is undone."""
    with transaction() as session:
        permissions.require_tasks({service.find_job(session, job_id=job_id).task}, caller=caller)
        if service.cancel_job(session, job_id=job_id, reason=f"Cancelled by {caller.name}"):
            background.add_task(control.ask_to_stop, job_id)
        detail = service.detail_of(session, job_id=job_id, asks_broker=False)
        return permissions.shown_whole(detail, caller=caller)


@router.get("/api/v1/jobs/{job_id}/events")
def follow_job(job_id: JobId, caller: Reader, request: Request) -> EventSourceResponse:
    """Server-sent events: `job` at each change, `end` when the job is finished."""
    with reading() as session:
        service.find_job(session, job_id=job_id)
    streams.refuse_when_full()
    found = events.events_of(job_id, caller=caller, request=request)
    return EventSourceResponse(found, ping=int(streams.HEARTBEAT.total_seconds()))


@router.get("/api/v1/tasks", tags=["tasks"], dependencies=[Depends(require(READ, BY_SCOPE))])
def list_tasks() -> list[schemas.TaskView]:
    """Every task; those marked public can be submitted with arguments of the given schema."""
    return [_task_view(spec) for spec in registry.tasks().values()]


def _task_view(spec: registry.TaskSpec) -> schemas.TaskView:
    return schemas.TaskView(
        name=spec.name,
        doc=spec.doc,
        queue=spec.queue,
        priority=priority_name(spec.priority),
        public=spec.public,
        scope=spec.scope,
        durable=spec.durable,
        schedule=spec.schedule.describe() if spec.schedule else None,
        sensitive=sorted(spec.sensitive),
        search=list(spec.search),
        max_attempts=spec.max_attempts,
        arguments=_schema_of(spec),
    )


def _schema_of(spec: registry.TaskSpec) -> dict[str, Any] | None:
    try:
        return spec.model.model_json_schema()
    except Exception as error:  # any expression may stand in one task's annotations; the others are shown
        log.debug("arguments_not_described", task=spec.name, error=str(error))
        return None


@router.get(
    "/metrics",
    tags=["health"],
    response_class=PlainTextResponse,
    dependencies=[Depends(require(METRICS, BY_SCOPE))],
)
def get_metrics() -> Response:
    """The metrics in Prometheus' text format."""
    return Response(metrics.shared.text(), media_type=metrics.CONTENT_TYPE)
