"""Takes what is sent for a version to the store, and makes it the version's; what it replaces is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Header
from starlette.concurrency import run_in_threadpool

from app.db.sessions import transaction
from app.domains.marketplace.catalog import standing
from app.errors import GroundworkError
from app.storage.stores import store
from app.storage.uploads import upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request
    from sqlalchemy.orm import Session

    from app.domains.marketplace.catalog.models import ModelVersion
    from app.domains.marketplace.catalog.schemas import VersionView
    from app.storage.files import Stored

Digest = Annotated[
    str | None, Header(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file; another one is refused.")
]


async def take(
    request: Request,
    *,
    new_key: Callable[[Session], str],
    attach: Callable[[Session, Stored], tuple[ModelVersion, str | None]],
    limit: int,
    sha256: str | None,
) -> VersionView:
    """Store the body of a request under a new key, and attach it; `attach` gives the key that is replaced."""
    key = await run_in_threadpool(_in_transaction, new_key)
    stored = await upload(request, key=key, limit=limit, sha256=sha256)
    try:
        view, replaced = await run_in_threadpool(_attached, attach, stored)
    except GroundworkError:
        await run_in_threadpool(store().delete, key)
        raise
    if replaced is not None:
        await run_in_threadpool(store().delete, replaced)
    return view


def _in_transaction(new_key: Callable[[Session], str]) -> str:
    with transaction() as session:
        return new_key(session)


def _attached(
    attach: Callable[[Session, Stored], tuple[ModelVersion, str | None]], stored: Stored
) -> tuple[VersionView, str | None]:
    with transaction() as session:
        version, replaced = attach(session, stored)
        return standing.shown(session, version), replaced
