"""What the pricing API answers. Prices are strings: a JSON number would be a float on the other side."""

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel

from app.jobs.ledger.models import State
from app.jobs.views import Document, Value
from app.values.row_views import RowView


class ProductView(RowView):
    """A product at its base price."""

    sku: str
    name: str
    category: str
    base_price: Decimal
    currency: str
    updated_at: datetime


class PriceView(RowView):
    """What a batch costs; `discount_pct` and `rule` are null at the base price."""

    sku: str
    name: str
    category: str
    batch: str
    quantity: int
    expiry_date: date
    currency: str
    base_price: Decimal
    price: Decimal
    discount_pct: Decimal | None
    rule: str | None


class BatchView(PriceView):
    """A batch, whether it can be sold or not."""

    id: int
    received_on: date | None


class HistoryView(RowView):
    """A price from `recorded_at` on: of a batch, or of the product where `batch` is null."""

    batch: str | None
    price: Decimal
    reason: str
    recorded_at: datetime


class ProductPage(BaseModel):
    """Some products; `next` is the cursor of the page after, null on the last."""

    products: list[ProductView]
    next: int | None


class PricePage(BaseModel):
    """Some prices; `next` is the cursor of the page after, null on the last."""

    prices: list[PriceView]
    next: int | None


class BatchPage(BaseModel):
    """Some batches; `next` is the cursor of the page after, null on the last."""

    batches: list[BatchView]
    next: int | None


class HistoryPage(BaseModel):
    """Some recorded prices, the newest first; `next` is the cursor of the page after, null on the last."""

    history: list[HistoryView]
    next: int | None


class RecomputeStats(RowView):
    """What a recompute did, in batches."""

    examined: int
    opened: int
    changed: int
    ended: int
    unchanged: int


class RecomputeAccepted(BaseModel):
    """A recompute that a worker will do."""

    task_id: str
    status_url: str


class RecomputeDone(BaseModel):
    """A recompute that this request has done."""

    days_threshold: int
    stats: RecomputeStats


class TaskStatus(BaseModel):
    """How far a pricing job is."""

    task_id: str
    task: str
    state: State
    progress: Document | None
    result: Value
    error: str | None
    attempt: int
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
