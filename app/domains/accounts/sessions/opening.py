"""Signs somebody in, whichever door they come by: checks the password, writes it down, begins a session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool

from app.db.sessions import transaction
from app.domains.accounts.sessions import login_log, service
from app.domains.accounts.sessions.errors import SignInRefused
from app.domains.accounts.sessions.signing_in import sign_in_with_password
from app.http.client_addresses import address_of, network_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

Started = TypeVar("Started", str, service.Pair)


async def open_session(scope: Scope, *, email: str, password: str, start: Callable[..., Started]) -> Started:
    """What `start` gives for the session of whoever has this password. Raises as `sign_in_with_password`."""
    try:
        user_id = await sign_in_with_password(
            email=email, password=password, network=network_of(address_of(scope))
        )
    except SignInRefused as refusal:
        note = partial(login_log.note_refusal, scope, email=email, refusal=refusal)
        await run_in_threadpool(note)
        raise
    return await run_in_threadpool(_start, start, scope, user_id=user_id, email=email)


def _start(start: Callable[..., Started], scope: Scope, *, user_id: int, email: str) -> Started:
    with transaction() as session:
        login_log.note_success(session, scope, email=email, user_id=user_id)
        return start(session, user_id=user_id, address=network_of(address_of(scope)))
