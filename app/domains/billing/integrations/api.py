"""HTTP routes of integrations: a person connects accounts and takes them away; Slack's events."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, status
from starlette.concurrency import run_in_threadpool

from app.db.sessions import reading, transaction
from app.domains.accounts.facts import OF_USER
from app.domains.billing.integrations import connecting, schemas
from app.domains.billing.integrations.facts import Challenge, SlackEvent
from app.domains.billing.integrations.oauth import states
from app.domains.billing.integrations.slack import handling, requests
from app.domains.billing.scopes import READ, WRITE
from app.tokens.callers import require
from app.tokens.open_paths import verified_by_route
from app.values.path_parameters import Id

EVENTS_PATH = "/api/v1/webhooks/slack"
verified_by_route(EVENTS_PATH, header=requests.SIGNATURE)

router = APIRouter(prefix="/api/v1", tags=["integrations"])
may_read = Depends(require(READ, OF_USER))
may_write = Depends(require(WRITE, OF_USER))


@router.get("/users/{user_id}/integrations", dependencies=[may_read])
def list_integrations(user_id: Id) -> schemas.Integrations:
    """The accounts that a user has connected, and how they are."""
    with reading() as session:
        connecting.timezone_of(session, user_id=user_id)
        rows = connecting.integrations_of(session, user_id=user_id)
        return schemas.Integrations(
            integrations=[schemas.IntegrationView.model_validate(row) for row in rows]
        )


@router.post("/users/{user_id}/integrations/authorizations", dependencies=[may_write])
def begin_connecting(user_id: Id, wanted: schemas.Wanted) -> schemas.Departure:
    """Where the user allows the access; they are back at `GROUNDWORK_OAUTH_REDIRECT_URL` in 15 minutes."""
    with transaction() as session:
        connecting.timezone_of(session, user_id=user_id)
        return schemas.Departure(url=connecting.begin(session, user_id=user_id, provider=wanted.provider))


@router.post("/users/{user_id}/integrations", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def connect(user_id: Id, given: schemas.WayBack) -> schemas.IntegrationView:
    """Complete what the same user began; a state is good once. An account that was connected is so anew."""
    provider = given.provider
    with transaction() as session:
        timezone = connecting.timezone_of(session, user_id=user_id)
        verifier = states.redeem(session, state=given.state, user_id=user_id, provider=provider)
    connected = connecting.exchange(
        provider, code=given.code, verifier=verifier, timezone=timezone, now=datetime.now(UTC)
    )
    with transaction() as session:
        stored = connecting.store(session, user_id=user_id, provider=provider, connected=connected)
        return schemas.IntegrationView.model_validate(stored)


@router.delete(
    "/users/{user_id}/integrations/{integration_id}",
    dependencies=[may_write],
    status_code=status.HTTP_204_NO_CONTENT,
)
def disconnect(user_id: Id, integration_id: Id) -> None:
    """Forget an account with all that was read there, and take the permission back at the provider."""
    with transaction() as session:
        removed = connecting.remove(session, user_id=user_id, integration_id=integration_id)
    connecting.give_back(removed)


@router.post(
    "/webhooks/slack",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def receive_event(
    request: Request,
    signature: Annotated[str, Header(alias=requests.SIGNATURE)] = "",  # noqa: ARG001 (for the description)
) -> schemas.EventAnswer:
    """Slack's events. They carry no API token; the signature in `X-Slack-Signature` takes its place."""
    now = datetime.now(UTC)
    # What is old is refused before its body is read.
    requests.check_timestamp(request.headers, now=now)
    body = await request.body()
    requests.verify(request.headers, body, now=now)
    told = requests.event_of(request.headers, body)
    if isinstance(told, Challenge):
        return schemas.EventAnswer(challenge=told.text)
    await run_in_threadpool(_store, told)
    return schemas.EventAnswer()


def _store(event: SlackEvent) -> None:
    with transaction() as session:
        handling.store(session, event)
