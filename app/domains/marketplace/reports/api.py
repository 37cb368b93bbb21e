"""HTTP routes of reports, for those who operate the service. To have one made, submit a job of its task."""

from fastapi import APIRouter, Depends

from app.db.sessions import reading
from app.domains.marketplace.reports import listing, schemas
from app.domains.marketplace.reports.models import Form, ReportKind
from app.domains.marketplace.scopes import REPORTS
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE
from app.values.path_parameters import Limit

router = APIRouter(
    prefix="/api/v1/marketplace/reports",
    tags=["marketplace"],
    dependencies=[Depends(require(REPORTS, BY_SCOPE))],
)


@router.get("/{kind}")
def list_reports(kind: ReportKind, limit: Limit = 50, before: schemas.Before = None) -> schemas.ReportPage:
    """The reports of days or of months, the newest first."""
    with reading() as session:
        page = listing.page(session, kind=kind, before=before, limit=limit)
        return schemas.ReportPage(
            reports=[schemas.ReportView.of(files) for files in page.reports], next=page.next
        )


@router.get("/{kind}/{period}/{form}")
def download_report(kind: ReportKind, period: schemas.PeriodInPath, form: Form) -> schemas.ReportDownload:
    """A link to a report as PDF or CSV, good for an hour. 404 where none was made."""
    with reading() as session:
        file = listing.file_of(session, kind=kind, period=period, form=form)
    url = listing.url_of(file.storage_key, period=period, form=form, expires=schemas.LINK_LASTS)
    return schemas.ReportDownload(media_type=file.media_type, size=file.size, sha256=file.sha256, url=url)
