"""HTTP routes of pricing: trigger a recompute, follow it, read products and prices."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response, status

from app.db.sessions import reading, transaction
from app.domains.pricing import catalogue, schemas, sweep
from app.domains.pricing.errors import RecomputeNotFound
from app.domains.pricing.rules.file import current_rules
from app.domains.pricing.rules.table import DAYS_THRESHOLD
from app.domains.pricing.scopes import READ, WRITE
from app.domains.pricing.tasks import recompute_all_discounts
from app.jobs.ledger.models import Job, State
from app.settings.business_clock import business_now
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE
from app.values.path_parameters import Cursor, Limit
from app.values.strict_models import PlainInt

#: Batches in one transaction when the request itself does the work.
SYNC_CHUNK = 1_000

router = APIRouter(prefix="/api/v1", tags=["pricing"])
may_read = Depends(require(READ, BY_SCOPE))
may_write = Depends(require(WRITE, BY_SCOPE))

Sku = Annotated[str, Path(max_length=200)]


@router.post(
    "/admin/discounts/trigger-recompute",
    dependencies=[may_write],
    responses={status.HTTP_202_ACCEPTED: {"model": schemas.RecomputeAccepted}},
)
def trigger_recompute(
    response: Response,
    days_threshold: Annotated[PlainInt, Query(ge=0, le=sweep.MAX_DAYS)] = DAYS_THRESHOLD,
    async_task: bool = True,
) -> schemas.RecomputeAccepted | schemas.RecomputeDone:
    """Recompute the discounts of batches that expire within `days_threshold` days.

    By default a worker does it and the answer is 202 with the place to follow it; with
    `async_task=false` this request does it and answers when it is done.
    """
    if not async_task:
        return _recompute_now(days_threshold)
    task_id = recompute_all_discounts.delay(days_threshold=days_threshold).id
    accepted = schemas.RecomputeAccepted(
        task_id=task_id, status_url=f"{router.prefix}/admin/discounts/task-status/{task_id}"
    )
    response.status_code = status.HTTP_202_ACCEPTED
    response.headers["Location"] = accepted.status_url
    return accepted


def _recompute_now(days_threshold: int) -> schemas.RecomputeDone:
    stats = sweep.recompute(
        transaction=transaction,
        rules=current_rules(),
        days_threshold=days_threshold,
        chunk_size=SYNC_CHUNK,
        report=lambda _progress: None,
    )
    return schemas.RecomputeDone(days_threshold=days_threshold, stats=schemas.RecomputeStats(**asdict(stats)))


@router.get("/admin/discounts/task-status/{task_id}", dependencies=[may_read])
def task_status(task_id: Annotated[str, Path(max_length=200)]) -> schemas.TaskStatus:
    """How far a pricing job is. 404 for an id that is not one."""
    with reading() as session:
        job = session.get(Job, task_id)
    # Jobs of other domains are none of this token's business.
    if job is None or not job.task.startswith("pricing."):
        raise RecomputeNotFound(task_id=task_id)
    return schemas.TaskStatus(
        task_id=job.id,
        task=job.task,
        state=State(job.state),
        progress=job.progress,
        result=job.result if job.state == State.DONE else None,
        error=job.error,
        attempt=job.attempt,
        accepted_at=job.accepted_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


@router.get("/products", dependencies=[may_read])
def list_products(
    category: Annotated[str | None, Query(max_length=200)] = None, limit: Limit = 50, cursor: Cursor = None
) -> schemas.ProductPage:
    """Products, in the order in which they were imported."""
    with reading() as session:
        page = catalogue.products(session=session, category=category, after=cursor, limit=limit)
    rows = [schemas.ProductView.model_validate(row) for row in page.rows]
    return schemas.ProductPage(products=rows, next=page.next)


@router.get("/products/{sku:path}/batches", dependencies=[may_read])
def list_batches(sku: Sku, limit: Limit = 50, cursor: Cursor = None) -> schemas.BatchPage:
    """All batches of a product, those included that cannot be sold any more."""
    with reading() as session:
        page = catalogue.batches_of(session=session, sku=sku, now=business_now(), after=cursor, limit=limit)
    rows = [schemas.BatchView.model_validate(row) for row in page.rows]
    return schemas.BatchPage(batches=rows, next=page.next)


@router.get("/prices", dependencies=[may_read])
def list_prices(
    sku: Annotated[str | None, Query(max_length=200)] = None, limit: Limit = 50, cursor: Cursor = None
) -> schemas.PricePage:
    """What each batch that can be sold costs now."""
    with reading() as session:
        page = catalogue.prices(session=session, sku=sku, now=business_now(), after=cursor, limit=limit)
    rows = [schemas.PriceView.model_validate(row) for row in page.rows]
    return schemas.PricePage(prices=rows, next=page.next)


@router.get("/products/{sku:path}/price-history", dependencies=[may_read])
def list_price_history(sku: Sku, limit: Limit = 50, cursor: Cursor = None) -> schemas.HistoryPage:
    """The recorded prices of a product and its batches, the newest first."""
    with reading() as session:
        page = catalogue.price_history(session=session, sku=sku, before=cursor, limit=limit)
    rows = [schemas.HistoryView.model_validate(row) for row in page.rows]
    return schemas.HistoryPage(history=rows, next=page.next)


# After its longer siblings: an SKU may hold a slash, so this path would match theirs as well.
@router.get("/products/{sku:path}", dependencies=[may_read])
def get_product(sku: Sku) -> schemas.ProductView:
    """One product."""
    with reading() as session:
        return schemas.ProductView.model_validate(catalogue.product(session=session, sku=sku))
