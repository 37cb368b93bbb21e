"""HTTP routes of pictures: sent as they are by whoever may write the catalogue, and shown as thumbnails."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, status
from sqlalchemy.orm import Session

from app.db.sessions import reading
from app.domains.marketplace.catalog import sending
from app.domains.marketplace.catalog.service import find_model
from app.domains.marketplace.pictures import schemas, service
from app.domains.marketplace.pictures.limits import MAX_BYTES
from app.domains.marketplace.scopes import READ_CATALOG, WRITE_CATALOG
from app.http.bodies import allow_upload
from app.storage.files import Stored
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

    def attached(session: Session, stored: Stored) -> tuple[schemas.PictureTaken, str | None]:
        job_id, replaced = service.attach(session, model_id=model_id, stored=stored)
        taken = schemas.PictureTaken(
            image_path=stored.key, size=stored.size, sha256=stored.sha256, job_id=job_id
        )
        return taken, replaced

    return await sending.take(
        request,
        new_key=lambda session: service.new_key(session, model_id=model_id),
        check=service.refuse_unusable,
        attach=attached,
        limit=MAX_BYTES,
    )


@router.get("/{model_id}/media")
def list_media(model_id: Id, caller: Reader) -> schemas.MediaList:
    """The thumbnails of a model, each with a link; for who may not write the catalogue, of published ones."""
    with reading() as session:
        model = find_model(session, model_id=model_id, only_published=not caller.may(WRITE_CATALOG))
        rows = service.media_of(session, model_id=model_id)
        return schemas.MediaList(media=[schemas.MediaView.of(row, slug=model.slug) for row in rows])
