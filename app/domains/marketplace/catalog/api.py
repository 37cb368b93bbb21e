"""HTTP routes of the catalogue: whoever may write it makes and publishes models; others see what is sold."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, status

from app.db.sessions import reading, transaction
from app.domains.marketplace.catalog import files, schemas, sending, service, standing
from app.domains.marketplace.scopes import READ_CATALOG, WRITE_CATALOG
from app.http.bodies import allow_upload
from app.settings.business_clock import business_now
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE
from app.values.path_parameters import Cursor, Id, Limit

router = APIRouter(prefix="/api/v1/marketplace/models", tags=["marketplace"])
Reader = Annotated[Caller, Depends(require(READ_CATALOG, BY_SCOPE))]
may_write = Depends(require(WRITE_CATALOG, BY_SCOPE))
_FILE = "/{model_id}/versions/{version_id}/file"
allow_upload(f"{router.prefix}{_FILE}", limit=files.LIMIT)


@router.get("")
def list_models(caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> schemas.ModelPage:
    """The models that are sold; for who may write the catalogue, all."""
    with reading() as session:
        page = service.models(session, only_published=_sees_sold(caller), after=cursor, limit=limit)
        rows = [schemas.ModelView.model_validate(row) for row in page.rows]
    return schemas.ModelPage(models=rows, next=page.next)


@router.post("", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def create_model(new: schemas.NewModel) -> schemas.ModelView:
    """Make a draft. 409 when the slug is taken."""
    with transaction() as session:
        model = service.create_model(session, slug=new.slug, facts=new.facts, now=business_now())
        return schemas.ModelView.model_validate(model)


@router.get("/{model_id}")
def get_model(model_id: Id, caller: Reader) -> schemas.WholeModel:
    """A model with its versions and prices; for who may not write the catalogue, what is published."""
    sold = _sees_sold(caller)
    with reading() as session:
        model = service.find_model(session, model_id=model_id, only_published=sold)
        versions = service.versions_of(session, model_id=model_id)
        tiers = service.tiers_of(session, model_id=model_id)
        seen = [one for one in versions if one.published_at or not sold]
        return schemas.WholeModel.whole(model, standing.all_shown(session, seen), list(tiers))


@router.post("/{model_id}/versions", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def add_version(model_id: Id, new: schemas.NewVersion) -> schemas.VersionView:
    """Make a version, which is not published yet. 409 when the model has it."""
    with transaction() as session:
        made = service.add_version(
            session, model_id=model_id, version=new.version, notes=new.notes or "", now=business_now()
        )
        return standing.shown(session, made)


@router.put(
    _FILE,
    dependencies=[may_write],
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}}},
)
async def send_file(
    model_id: Id, version_id: Id, request: Request, x_content_sha256: sending.Digest = None
) -> schemas.VersionView:
    """Send the file of a version, as it is, up to 5 GiB. Until that is published, another takes its place."""
    return await sending.take_for_version(
        request,
        new_key=lambda session: files.new_key(session, model_id=model_id, version_id=version_id),
        attach=lambda session, stored: files.attach(
            session, model_id=model_id, version_id=version_id, stored=stored
        ),
        limit=files.LIMIT,
        sha256=x_content_sha256,
    )


@router.post("/{model_id}/versions/{version_id}/publish", dependencies=[may_write])
def publish_version(model_id: Id, version_id: Id) -> schemas.VersionView:
    """Let buyers have a version. 409 as long as its image is not pushed, scanned and sound."""
    with transaction() as session:
        version = service.publish_version(
            session, model_id=model_id, version_id=version_id, now=business_now()
        )
        return standing.shown(session, version)


@router.post("/{model_id}/tiers", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def add_tier(model_id: Id, given: schemas.TierIn) -> schemas.TierView:
    """Offer a model at a price, which is not changed: end it, and add another."""
    with transaction() as session:
        return schemas.TierView.of(
            service.add_tier(session, model_id=model_id, new=given.new, now=business_now())
        )


@router.post("/{model_id}/tiers/{tier_id}/end", dependencies=[may_write])
def end_tier(model_id: Id, tier_id: Id) -> schemas.TierView:
    """Sell no more at a price; orders that were placed stay as they are."""
    with transaction() as session:
        return schemas.TierView.of(
            service.end_tier(session, model_id=model_id, tier_id=tier_id, now=business_now())
        )


@router.post("/{model_id}/publish", dependencies=[may_write])
def publish_model(model_id: Id) -> schemas.ModelView:
    """Let a model be bought, which has a published version and a price."""
    with transaction() as session:
        return schemas.ModelView.model_validate(
            service.publish(session, model_id=model_id, now=business_now())
        )


@router.post("/{model_id}/withdraw", dependencies=[may_write])
def withdraw_model(model_id: Id) -> schemas.ModelView:
    """Sell a model no more; licences of it stay good."""
    with transaction() as session:
        return schemas.ModelView.model_validate(service.withdraw(session, model_id=model_id))


def _sees_sold(caller: Caller) -> bool:
    return not caller.may(WRITE_CATALOG)
