"""HTTP routes of images: sent, pushed and scanned by whoever may write the catalogue."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from app.db.sessions import reading, transaction
from app.domains.marketplace.catalog import sending
from app.domains.marketplace.catalog.schemas import VersionView
from app.domains.marketplace.images.findings import Severity
from app.domains.marketplace.scopes import WRITE_CATALOG
from app.domains.marketplace.version_images import archive, choosing, pushing, results, scanning, schemas
from app.http.bodies import allow_upload
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE
from app.values.path_parameters import Cursor, Id, Limit

router = APIRouter(
    prefix="/api/v1/marketplace/models/{model_id}/versions/{version_id}",
    tags=["marketplace"],
    dependencies=[Depends(require(WRITE_CATALOG, BY_SCOPE))],
)
allow_upload(f"{router.prefix}/image", limit=archive.LIMIT)


@router.put("/image", openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}}})
async def send_image(
    model_id: Id, version_id: Id, request: Request, x_content_sha256: sending.Digest = None
) -> VersionView:
    """Send the archive of a version's image (OCI layout or `docker save`, as a tar file), up to 20 GiB.

    Until the version is published, another takes its place, which is to be pushed and scanned anew.
    """
    return await sending.take_for_version(
        request,
        new_key=lambda session: archive.new_key(session, model_id=model_id, version_id=version_id),
        attach=lambda session, stored: archive.attach(
            session, model_id=model_id, version_id=version_id, stored=stored
        ),
        limit=archive.LIMIT,
        sha256=x_content_sha256,
    )


@router.post("/push", status_code=status.HTTP_202_ACCEPTED)
def push_image(
    model_id: Id, version_id: Id, body: schemas.PushRequest, response: Response
) -> schemas.ImageJob:
    """Have the image of a version pushed to Amazon ECR. Asked again meanwhile, it is the same job."""
    with transaction() as session:
        job_id = pushing.request(session, model_id=model_id, version_id=version_id, tag=body.image_tag)
    return _accepted(job_id, response)


@router.post("/scan", status_code=status.HTTP_202_ACCEPTED)
def scan_image(model_id: Id, version_id: Id, response: Response) -> schemas.ImageJob:
    """Have the pushed image of a version scanned. Asked again meanwhile, it is the same job."""
    with transaction() as session:
        job_id = scanning.request(session, model_id=model_id, version_id=version_id)
    return _accepted(job_id, response)


@router.get("/findings")
def list_findings(
    model_id: Id,
    version_id: Id,
    severity: Annotated[Severity | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> schemas.FindingPage:
    """What the last scan found in the image of a version, the gravest first."""
    with reading() as session:
        choosing.version_of(session, model_id=model_id, version_id=version_id)
        page = results.found(session, version_id=version_id, severity=severity, after=cursor, limit=limit)
        rows = [schemas.FindingView.model_validate(row) for row in page.rows]
    return schemas.FindingPage(findings=rows, next=page.next)


def _accepted(job_id: str, response: Response) -> schemas.ImageJob:
    response.headers["Location"] = f"/api/v1/jobs/{job_id}"
    return schemas.ImageJob(job_id=job_id)
