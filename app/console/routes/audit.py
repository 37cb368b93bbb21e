"""The audit logs: who asked what, and who signed in or failed to."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.console import audit
from app.console.pages import page
from app.console.places import AUDIT
from app.domains.audit.scopes import READ
from app.tokens.callers import Caller, require
from app.tokens.owners import IN_QUERY

router = APIRouter()


@router.get(AUDIT)
def audit_page(request: Request, caller: Annotated[Caller, Depends(require(READ, IN_QUERY))]) -> Response:
    """The newest rows that fit; a person who is no administrator sees what they did themselves."""
    asked = audit.asked(request.query_params)
    found = audit.look(asked, only_user=caller.only_user)
    return page(
        request.scope,
        "audit.html.j2",
        asked=asked,
        found=found,
        is_own=caller.only_user is not None,
        logs=(audit.OPERATIONS, audit.LOGINS),
        filters=audit.FILTERS[asked.log],
        document=audit.document,
    )
