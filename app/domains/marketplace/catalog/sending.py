"""Takes what is sent for a model or a version to the store; what it takes the place of is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

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

Answer = TypeVar("Answer")
Digest = Annotated[
    str | None, Header(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file; another one is refused.")
]


async def take(
    request: Request,
    *,
    new_key: Callable[[Session], str],
    attach: Callable[[Session, Stored], tuple[Answer, str | None]],
    limit: int,
    check: Callable[[str], object] | None = None,
    sha256: str | None = None,
) -> Answer:
    """Store the body of a request under a new key, and attach it; the answer of `attach`.

    `check` is called with the key, and `attach` gives the key that is replaced, too. Of what either refuses,
    nothing is kept.
    """
    key = await run_in_threadpool(_in_transaction, new_key)
    stored = await upload(request, key=key, limit=limit, sha256=sha256)
    try:
        if check is not None:
            await run_in_threadpool(check, key)
        answer, replaced = await run_in_threadpool(_in_transaction, lambda session: attach(session, stored))
    except GroundworkError:
        await run_in_threadpool(store().delete, key)
        raise
    if replaced is not None:
        await run_in_threadpool(store().delete, replaced)
    return answer


async def take_for_version(
    request: Request,
    *,
    new_key: Callable[[Session], str],
    attach: Callable[[Session, Stored], tuple[ModelVersion, str | None]],
    limit: int,
    sha256: str | None,
) -> VersionView:
    """`take` what becomes a part of a version; the version as it is shown then."""

    def attached(session: Session, stored: Stored) -> tuple[VersionView, str | None]:
        version, replaced = attach(session, stored)
        return standing.shown(session, version), replaced

    return await take(request, new_key=new_key, attach=attached, limit=limit, sha256=sha256)


def _in_transaction(work: Callable[[Session], Answer]) -> Answer:
    with transaction() as session:
        return work(session)
