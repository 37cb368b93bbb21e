"""HTTP routes of licences: a buyer sees and downloads them, and software checks and activates its key."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse

from app.db.sessions import reading, transaction
from app.domains.marketplace.catalog import files
from app.domains.marketplace.catalog.service import find_model
from app.domains.marketplace.licences import checking, issuing, schemas
from app.domains.marketplace.licences.errors import UnknownKey
from app.domains.marketplace.licences.guesses import Guesses
from app.domains.marketplace.owners import LICENCE_OF_BUYER
from app.domains.marketplace.scopes import READ, SETTLE
from app.domains.marketplace.usage.recording import downloaded
from app.http.client_addresses import address_of, network_of
from app.settings.business_clock import business_now
from app.storage.links import link
from app.tokens.callers import Caller, require
from app.tokens.open_paths import open_to_strangers
from app.tokens.owners import BY_SCOPE, IN_QUERY
from app.values.path_parameters import Cursor, Id, Limit

router = APIRouter(prefix="/api/v1/marketplace", tags=["marketplace"])
for _name in ("check", "activate"):
    open_to_strangers(f"{router.prefix}/keys/{_name}")
Reader = Annotated[Caller, Depends(require(READ, IN_QUERY))]
may_read = Depends(require(READ, LICENCE_OF_BUYER))
may_settle = Depends(require(SETTLE, BY_SCOPE))
GUESSES = Guesses()


@router.get("/licences")
def list_licences(caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> schemas.LicencePage:
    """The licences of a person who signed in; for an administrator or a token, all."""
    with reading() as session:
        page = checking.page(session, only_user=caller.only_user, before=cursor, limit=limit)
        rows = [schemas.LicenceView.of(row, now=business_now()) for row in page.rows]
    return schemas.LicencePage(licences=rows, next=page.next)


@router.get("/licences/{licence_id}", dependencies=[may_read])
def get_licence(licence_id: Id) -> schemas.LicenceView:
    """A licence, without its key."""
    with reading() as session:
        licence = checking.licence_of(session, licence_id=licence_id)
        return schemas.LicenceView.of(licence, now=business_now())


@router.get("/licences/{licence_id}/key", dependencies=[may_read], response_class=PlainTextResponse)
def download_licence(licence_id: Id) -> PlainTextResponse:
    """The key of a licence, as a file."""
    with reading() as session:
        key = checking.licence_of(session, licence_id=licence_id).key
    headers = {
        "Content-Disposition": f'attachment; filename="licence-{licence_id}.txt"',
        "Cache-Control": "no-store",
    }
    return PlainTextResponse(f"{key}\n", headers=headers)


@router.get("/licences/{licence_id}/download", dependencies=[may_read])
def download_model(licence_id: Id) -> schemas.DownloadView:
    """A link to the newest file of what a licence is for, good for an hour. 409 where the licence is not."""
    now = business_now()
    with transaction() as session:
        licence = checking.licence_of(session, licence_id=licence_id)
        checking.refuse_unusable(licence, now=now)
        version, key = files.newest(session, model_id=licence.model_id)
        slug = find_model(session, model_id=licence.model_id).slug
        downloaded(session, licence, version_id=version.id, now=now)
    url = link(
        key,
        filename=f"{slug}-{version.version}",
        media_type="application/octet-stream",
        expires=schemas.LINK_LASTS,
    )
    return schemas.DownloadView(
        url=url, version=version.version, size=version.file_size, sha256=version.file_sha256
    )


@router.post("/licences/{licence_id}/revoke", dependencies=[may_settle])
def revoke_licence(licence_id: Id) -> schemas.LicenceRevoked:
    """Make a licence good for nothing."""
    with transaction() as session:
        return schemas.LicenceRevoked(
            id=issuing.revoke(session, licence_id=licence_id, now=business_now()).id
        )


@router.post("/keys/check")
def check_key(given: schemas.KeyToCheck, request: Request) -> schemas.CheckedView:
    """What a licence is good for, by its key, without a token. 404 for what is no key."""
    network = _guesser(request)
    with reading() as session:
        try:
            found = checking.check(session, key=given.key, device=given.device, now=business_now())
        except UnknownKey:
            GUESSES.count(network)
            raise
    return schemas.CheckedView.model_validate(found)


@router.post("/keys/activate")
def activate_key(given: schemas.KeyOnDevice, request: Request) -> schemas.CheckedView:
    """Use a licence on a device, by its key, without a token; the same device again is the same use."""
    network = _guesser(request)
    with transaction() as session:
        try:
            found = checking.activate(session, key=given.key, device=given.device, now=business_now())
        except UnknownKey:
            GUESSES.count(network)
            raise
    return schemas.CheckedView.model_validate(found)


def _guesser(request: Request) -> str:
    """The network that asks. Raises `TooManyGuesses` before anything is looked up for it."""
    network = network_of(address_of(request.scope))
    GUESSES.refuse(network)
    return network
