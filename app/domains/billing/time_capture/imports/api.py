"""The HTTP route that imports time entries."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends

from app.db.sessions import reading, transaction
from app.domains.billing.owners import OF_MEMBERS
from app.domains.billing.scopes import WRITE
from app.domains.billing.tenants import only_worker, tenant
from app.domains.billing.time_capture.imports import schemas
from app.domains.billing.time_capture.imports.files import Source, import_entries
from app.domains.billing.time_capture.imports.naming import Importer
from app.http.bodies import allow_larger
from app.settings.business_clock import business_now
from app.tokens.callers import Caller, require
from app.values.path_parameters import Id

if TYPE_CHECKING:
    from app.values.csv_file import Problem

PATH = "/api/v1/billing/tenants/{tenant_id}/entries/import"
MIB = 1024 * 1024
#: The content of a file, some of whose characters take several bytes.
allow_larger(PATH, limit=12 * MIB)

router = APIRouter(tags=["time entries"])


@router.post(PATH)
def import_file(
    tenant_id: Id,
    given: schemas.ImportIn,
    caller: Annotated[Caller, Depends(require(WRITE, OF_MEMBERS))],
) -> schemas.ImportView:
    """Import a file of time entries: of oneself, or of others as an admin of the tenant.

    A row that cannot be used is named and stops no other. A row whose `key` its project knows changes that
    entry while it is pending, so that a file can be sent again safely.
    """
    problems: list[Problem] = []
    done = import_entries(
        Source.of_text(given.content, name=given.name),
        importer=_importer(caller, tenant_id=tenant_id),
        transaction=transaction,
        now=business_now(),
        tell=problems.append,
    )
    named = [schemas.ProblemView(line=one.line, reason=one.reason) for one in problems[: schemas.MAX_NAMED]]
    return schemas.ImportView(**asdict(done), problems=named)


def _importer(caller: Caller, *, tenant_id: int) -> Importer:
    with reading() as session:
        tenant(session, tenant_id=tenant_id)
        mine = only_worker(session, tenant_id=tenant_id, only_user=caller.only_user)
    return Importer(tenant_id=tenant_id, user_id=caller.user_id, only_worker=mine)
