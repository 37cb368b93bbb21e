"""HTTP routes of banking: households, linking banks, reading accounts, and Plaid's webhooks."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response, status
from starlette.concurrency import run_in_threadpool

from app.db.sessions import reading, transaction
from app.domains.banking import linked, schemas, service
from app.domains.banking.owners import (
    ACCOUNT_OF_MEMBERS,
    ITEM_OF_ADMINS,
    ITEM_OF_MEMBERS,
    OF_ADMINS,
    OF_MEMBERS,
)
from app.domains.banking.plaid.client import Plaid
from app.domains.banking.planning import routes
from app.domains.banking.scopes import READ, WRITE
from app.domains.banking.sync.requests import request_sync, sync_of
from app.domains.banking.webhooks import inbox
from app.domains.banking.webhooks.verification import HEADER, Verified, check_token
from app.http.client_addresses import address_of
from app.settings.business_clock import business_now
from app.tokens.callers import Caller, require
from app.tokens.open_paths import verified_by_route
from app.tokens.owners import IN_QUERY
from app.values.path_parameters import Cursor, Id, Limit

WEBHOOK_PATH = "/api/v1/webhooks/plaid"
verified_by_route(WEBHOOK_PATH, header=HEADER)

router = APIRouter(prefix="/api/v1", tags=["banking"])
router.include_router(routes.router)
may_read = Depends(require(READ, OF_MEMBERS))
may_write = Depends(require(WRITE, OF_ADMINS))
Reader = Annotated[Caller, Depends(require(READ, IN_QUERY))]
Founder = Annotated[Caller, Depends(require(WRITE, IN_QUERY))]
Linker = Annotated[Caller, Depends(require(WRITE, OF_ADMINS))]

#: The calls of Plaid in a request; no transaction is open meanwhile. None waits for what syncs send.
PLAID = Plaid()
#: Anybody can have keys asked for. They are bounded by themselves, and cost no statement in the database.
KEYS = Plaid(turn=lambda: None)


@router.get("/banking/households")
def list_households(caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> schemas.HouseholdPage:
    """The households that a person who signed in is a member of; for an administrator or a token, all."""
    with reading() as session:
        page = linked.households(session, only_user=caller.only_user, after=cursor, limit=limit)
        rows = [schemas.HouseholdView.model_validate(row) for row in page.rows]
    return schemas.HouseholdPage(households=rows, next=page.next)


@router.post("/banking/households", status_code=status.HTTP_201_CREATED)
def create_household(new: schemas.NewHousehold, caller: Founder) -> schemas.HouseholdView:
    """Create a household of registered users; a person who signed in, of themselves alone."""
    members = {member.user_id: member.role for member in new.members}
    with transaction() as session:
        household = service.create_household(
            session,
            name=new.name,
            currency=new.currency,
            members=members,
            only_user=caller.only_user,
            now=business_now(),
        )
        return schemas.HouseholdView.model_validate(household)


@router.post("/banking/households/{household_id}/link-token")
def create_link_token(household_id: Id, wanted: schemas.LinkRequest, caller: Linker) -> schemas.LinkTokenView:
    """A token for Plaid Link in the browser: to link a bank, or to repair the connection `item_id`."""
    with reading() as session:
        user = service.member(
            session, household_id=household_id, user_id=wanted.user_id, only_user=caller.only_user
        )
        item = None
        if wanted.item_id is not None:
            item = linked.item(session, household_id=household_id, item_id=wanted.item_id)
    token = service.link_token(PLAID, user=user, country=wanted.country, item=item)
    return schemas.LinkTokenView(link_token=token.token, expires_at=token.expires_at)


@router.post(
    "/banking/households/{household_id}/items",
    dependencies=[may_write],
    status_code=status.HTTP_201_CREATED,
)
def link_bank(household_id: Id, given: schemas.Exchange) -> schemas.ItemView:
    """Exchange the public token that Plaid Link gave the browser; a worker fetches the transactions."""
    with reading() as session:
        service.household_of(session, household_id=household_id)
    grant = PLAID.exchange(public_token=given.public_token)
    institution, accounts = service.describe(PLAID, grant)
    with transaction() as session:
        item = service.store_item(
            session,
            household_id=household_id,
            grant=grant,
            institution=institution,
            accounts=accounts,
            now=business_now(),
        )
        return schemas.ItemView.model_validate(item)


@router.get("/banking/households/{household_id}/items", dependencies=[may_read])
def list_items(household_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.ItemPage:
    """The banks that a household has linked."""
    with reading() as session:
        page = linked.items(session, household_id=household_id, after=cursor, limit=limit)
        rows = [schemas.ItemView.model_validate(row) for row in page.rows]
    return schemas.ItemPage(items=rows, next=page.next)


@router.get("/banking/households/{household_id}/accounts", dependencies=[may_read])
def list_accounts(household_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.AccountPage:
    """The accounts of a household at all of its banks."""
    with reading() as session:
        page = linked.accounts(session, household_id=household_id, after=cursor, limit=limit)
        rows = [schemas.AccountView.of(row) for row in page.rows]
    return schemas.AccountPage(accounts=rows, next=page.next)


@router.get("/banking/households/{household_id}/set-aside", dependencies=[may_read])
def list_set_aside(household_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.SetAsidePage:
    """What the banks of a household sent and could not be stored, each with its reason."""
    with reading() as session:
        page = linked.set_aside(session, household_id=household_id, after=cursor, limit=limit)
        rows = [schemas.SetAsideView.model_validate(row) for row in page.rows]
    return schemas.SetAsidePage(rows=rows, next=page.next)


@router.delete(
    "/banking/households/{household_id}/set-aside/{row_id}",
    dependencies=[may_write],
    status_code=status.HTTP_204_NO_CONTENT,
)
def dismiss_set_aside(household_id: Id, row_id: Id) -> None:
    """Delete something that was set aside, once somebody has dealt with it."""
    with transaction() as session:
        linked.dismiss(session, household_id=household_id, row_id=row_id)


@router.get(
    "/banking/accounts/{account_id}/transactions",
    dependencies=[Depends(require(READ, ACCOUNT_OF_MEMBERS))],
)
def list_transactions(account_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.TransactionPage:
    """The transactions of an account, the last stored first."""
    with reading() as session:
        page = linked.transactions(session, account_id=account_id, before=cursor, limit=limit)
        rows = [schemas.TransactionView.of(row) for row in page.rows]
    return schemas.TransactionPage(transactions=rows, next=page.next)


@router.post(
    "/banking/items/{item_id}/sync",
    dependencies=[Depends(require(WRITE, ITEM_OF_MEMBERS))],
    status_code=status.HTTP_202_ACCEPTED,
)
def sync_item(item_id: Id, response: Response) -> schemas.SyncAccepted:
    """Have a worker sync a bank now; requests that come before it begins share one job."""
    with transaction() as session:
        job_id = request_sync(session, linked.item(session, item_id=item_id))
    status_url = f"{router.prefix}/banking/items/{item_id}/syncs/{job_id}"
    response.headers["Location"] = status_url
    return schemas.SyncAccepted(job_id=job_id, status_url=status_url)


@router.get(
    "/banking/items/{item_id}/syncs/{sync_id}", dependencies=[Depends(require(READ, ITEM_OF_MEMBERS))]
)
def get_sync(item_id: Id, sync_id: Annotated[str, Path(max_length=200)]) -> schemas.SyncView:
    """How far a sync of a bank is; members see it, who do not see the jobs of the service."""
    with reading() as session:
        return schemas.SyncView.model_validate(sync_of(session, item_id=item_id, job_id=sync_id))


@router.post("/banking/items/{item_id}/check", dependencies=[Depends(require(WRITE, ITEM_OF_ADMINS))])
def check_item(item_id: Id) -> schemas.ItemView:
    """Ask Plaid for the state of a connection; call this once the user has repaired it in Plaid Link."""
    with reading() as session:
        access_token = linked.item(session, item_id=item_id).access_token
    error = service.error_of(PLAID, access_token=access_token)
    with transaction() as session:
        item = service.judge(session, item_id=item_id, error=error, now=business_now())
        return schemas.ItemView.model_validate(item)


@router.post(
    "/webhooks/plaid",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def receive_webhook(
    request: Request, token: Annotated[str, Header(alias=HEADER)] = ""
) -> schemas.WebhookAccepted:
    """Plaid's webhooks. They carry no API token; the signature in `Plaid-Verification` takes its place."""
    now = datetime.now(UTC)
    signed = await check_token(token, address=address_of(request.scope), plaid=KEYS, now=now)
    # What is signed is the body as it came, so it is read here, and only now.
    verified = signed.verify(await request.body())
    await run_in_threadpool(_store, verified, now=now)
    return schemas.WebhookAccepted()


def _store(verified: Verified, *, now: datetime) -> None:
    with transaction() as session:
        inbox.store(session, verified=verified, now=now)
