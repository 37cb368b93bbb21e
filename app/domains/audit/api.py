"""HTTP routes of the audit logs: search them, take them home."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from app.db.sessions import reading
from app.domains.audit import schemas, search
from app.domains.audit.export import csv_of
from app.domains.audit.models import Login, Operation
from app.domains.audit.recording.writer import recording
from app.domains.audit.scopes import READ
from app.tokens.callers import Caller, require
from app.tokens.owners import IN_QUERY

CSV = "text/csv"

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], lifespan=recording)
Reader = Annotated[Caller, Depends(require(READ, IN_QUERY))]


@router.get("/operations")
def list_operations(
    query: Annotated[schemas.OperationQuery, Query()], caller: Reader
) -> schemas.OperationPage:
    """What was asked of the API, the newest first; a person who signed in sees what they asked."""
    with reading() as session:
        found = search.page(
            session,
            Operation,
            filters=query,
            only_user=caller.only_user,
            limit=query.limit,
            cursor=query.cursor,
        )
    rows = [schemas.OperationView.model_validate(row) for row in found.rows]
    return schemas.OperationPage(operations=rows, next=found.next)


@router.get("/logins")
def list_logins(query: Annotated[schemas.LoginQuery, Query()], caller: Reader) -> schemas.LoginPage:
    """Who signed in, and who tried to, the newest first; a person who signed in sees their own."""
    with reading() as session:
        found = search.page(
            session,
            Login,
            filters=query,
            only_user=caller.only_user,
            limit=query.limit,
            cursor=query.cursor,
        )
    rows = [schemas.LoginView.model_validate(row) for row in found.rows]
    return schemas.LoginPage(logins=rows, next=found.next)


@router.get("/operations.csv", response_class=StreamingResponse, responses={200: {"content": {CSV: {}}}})
def export_operations(
    query: Annotated[schemas.OperationExport, Query()], caller: Reader
) -> StreamingResponse:
    """What was asked of the API as CSV, the newest first."""
    found = search.records(Operation, filters=query, only_user=caller.only_user, limit=query.limit)
    return _download(csv_of(schemas.OperationView, found), name="operations.csv")


@router.get("/logins.csv", response_class=StreamingResponse, responses={200: {"content": {CSV: {}}}})
def export_logins(query: Annotated[schemas.LoginExport, Query()], caller: Reader) -> StreamingResponse:
    """Who signed in, and who tried to, as CSV, the newest first."""
    found = search.records(Login, filters=query, only_user=caller.only_user, limit=query.limit)
    return _download(csv_of(schemas.LoginView, found), name="logins.csv")


def _download(parts: Iterator[str], *, name: str) -> StreamingResponse:
    # The head and the first records are read before the answer begins, which may then still be an error.
    first = list(islice(parts, 2))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chain(first, parts), media_type=CSV, headers=headers)
