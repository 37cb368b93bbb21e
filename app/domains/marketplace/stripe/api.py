"""The HTTP route at which Stripe tells of payments."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from app.db.sessions import transaction
from app.domains.marketplace.stripe.applying import apply
from app.domains.marketplace.stripe.events import Event, event_of
from app.domains.marketplace.stripe.signatures import HEADER, check_header
from app.settings.business_clock import business_now
from app.tokens.open_paths import verified_by_route

WEBHOOK_PATH = "/api/v1/webhooks/stripe"
verified_by_route(WEBHOOK_PATH, header=HEADER)

router = APIRouter(prefix="/api/v1", tags=["marketplace"])


class EventTaken(BaseModel):
    """The answer that Stripe needs, whatever is done about an event."""

    received: bool = True


@router.post(
    "/webhooks/stripe",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def receive_event(request: Request, header: Annotated[str, Header(alias=HEADER)] = "") -> EventTaken:
    """Stripe's events. They carry no API token; the signature in `Stripe-Signature` takes its place."""
    # What is old is refused before its body is read; what is signed is the body as it came.
    signed = check_header(header, now=datetime.now(UTC))
    body = await request.body()
    signed.verify(body)
    await run_in_threadpool(_apply, event_of(body))
    return EventTaken()


def _apply(event: Event) -> None:
    with transaction() as session:
        apply(session, event, now=business_now())
