"""HTTP routes of privacy: have what is held about a person exported or erased."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response, status
from sqlalchemy.orm import Session

from app.db.sessions import reading, transaction
from app.domains.accounts.facts import OF_USER
from app.domains.accounts.service import refuse_old_session
from app.domains.privacy import erasing, schemas
from app.domains.privacy.exporting import service as exporting
from app.domains.privacy.scopes import ERASE, EXPORT
from app.tokens.callers import Caller, require
from app.values.path_parameters import Id

router = APIRouter(prefix="/api/v1/users/{user_id}", tags=["privacy"])
Exporter = Annotated[Caller, Depends(require(EXPORT, OF_USER))]
Eraser = Annotated[Caller, Depends(require(ERASE, OF_USER))]


@router.post("/exports", status_code=status.HTTP_202_ACCEPTED)
def export(user_id: Id, body: schemas.ExportRequest, caller: Exporter, response: Response) -> schemas.Queued:
    """Have all that is held about a person exported; they get a link by mail. 409 while one is being made.

    A person has to have signed in a short time ago.
    """
    with transaction() as session:
        _refuse_old_session(session, caller)
        _, job_id = exporting.request(session, user_id=user_id, kind=body.format, requested_by=caller.name)
    response.headers["Location"] = f"/api/v1/users/{user_id}/exports"
    return schemas.Queued(job_id=job_id)


@router.get("/exports")
def list_exports(user_id: Id, caller: Exporter) -> schemas.Exports:  # noqa: ARG001 (it is checked)
    """The exports of a person, the newest first."""
    with reading() as session:
        rows = exporting.exports_of(session, user_id=user_id)
        return schemas.Exports(exports=[schemas.ExportView.model_validate(row) for row in rows])


@router.post("/exports/{export_id}/passphrase")
def take_passphrase(user_id: Id, export_id: Id, caller: Exporter) -> schemas.Passphrase:
    """What opens the archive, once: it is not kept. A person has to have signed in a short time ago."""
    with transaction() as session:
        _refuse_old_session(session, caller)
        return schemas.Passphrase(
            passphrase=exporting.take_passphrase(session, user_id=user_id, export_id=export_id)
        )


@router.post("/erasure", status_code=status.HTTP_202_ACCEPTED)
def erase(user_id: Id, body: schemas.ErasureRequest, caller: Eraser, response: Response) -> schemas.Queued:
    """Have all that is held about a person erased but what the law wants kept. It cannot be taken back.

    409 while something has to be put in order before. A person has to have signed in a short time ago.
    """
    with transaction() as session:
        _refuse_old_session(session, caller)
        job_id = erasing.request(
            session, user_id=user_id, requested_by=caller.name, confirmed_by=body.confirm
        )
    response.headers["Location"] = f"/api/v1/users/{user_id}/erasure"
    return schemas.Queued(job_id=job_id)


@router.get("/erasure")
def get_erasure(user_id: Id, caller: Eraser) -> schemas.ErasureAnswer:  # noqa: ARG001 (it is checked)
    """What became of the erasure of a person; null where nobody has asked for it."""
    with reading() as session:
        found = erasing.erasure(session, user_id=user_id)
        return schemas.ErasureAnswer(erasure=schemas.ErasureView.model_validate(found) if found else None)


def _refuse_old_session(session: Session, caller: Caller) -> None:
    if caller.session_id is not None:
        refuse_old_session(session, session_id=caller.session_id)
