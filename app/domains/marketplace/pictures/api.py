"""HTTP routes of pictures: sent as they are by whoever may write the catalogue, and shown as thumbnails."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, status
from starlette.concurrency import run_in_threadpool

from app.db.sessions import reading, transaction
from app.domains.marketplace.catalog.service import find_model
from app.domains.marketplace.pictures import schemas, service
from app.domains.marketplace.pictures.limits import MAX_BYTES
from app.domains.marketplace.scopes import READ_CATALOG, WRITE_CATALOG
from app.errors import GroundworkError
from app.http.bodies import allow_upload
from app.storage.files import Stored
from app.storage.stores import store
from app.storage.uploads import upload
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE
from app.values.path_parameters import Id

router = APIRouter(prefix="/api/v1/marketplace/models", tags=["marketplace"])
Reader = Annotated[Caller, Depends(require(READ_CATALOG, BY_SCOPE))]
may_write = Depends(require(WRITE_CATALOG, BY_SCOPE))
_PICTURE = "/{model_id}/picture"
allow_upload(f"{router.prefix}{_PICTURE}", limit=MAX_BYTES)


@router.put(
    _PICTURE,
    dependencies=[may_write],
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra={"requestBody": {"content": {"image/*": {}}}},
)
async def send_picture(model_id: Id, request: Request) -> schemas.PictureTaken:
    """Send the picture of a model, a PNG, JPEG, WebP or GIF up to 20 MiB, in place of the former one."""
    key = await run_in_threadpool(_new_key, model_id)
    stored = await upload(request, key=key, limit=MAX_BYTES)
    try:
        await run_in_threadpool(service.refuse_unusable, key)
        job_id, replaced = await run_in_threadpool(_attach, model_id, stored)
    except GroundworkError:
        await run_in_threadpool(store().delete, key)
        raise
    if replaced is not None:
        await run_in_threadpool(store().delete, replaced)
    return schemas.PictureTaken(image_path=key, size=stored.size, sha256=stored.sha256, job_id=job_id)


@router.get("/{model_id}/media")
def list_media(model_id: Id, caller: Reader) -> schemas.MediaList:
    """The thumbnails of a model, each with a link; for who may not write the catalogue, of published ones."""
    with reading() as session:
        model = find_model(session, model_id=model_id, only_published=not caller.may(WRITE_CATALOG))
        rows = service.media_of(session, model_id=model_id)
        return schemas.MediaList(media=[schemas.MediaView.of(row, slug=model.slug) for row in rows])


def _new_key(model_id: int) -> str:
    with reading() as session:
        return service.new_key(session, model_id=model_id)


def _attach(model_id: int, stored: Stored) -> tuple[str, str | None]:
    with transaction() as session:
        return service.attach(session, model_id=model_id, stored=stored)
