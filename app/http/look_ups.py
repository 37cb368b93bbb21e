"""Asks the database whom a token or a session belongs to; of what is made up, it is not asked much."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from app.db.sessions import reading
from app.errors import Unauthorized
from app.http.rates import STRANGERS_BURST_SECONDS, Rates, TooManyRequests
from app.settings.config import settings

if TYPE_CHECKING:
    from app.http.credentials import Credential
    from app.tokens.callers import Caller


class TooManyUnknown(TooManyRequests):
    """Raised to an address that shows what is not known, again and again; nothing was looked up."""

    def __init__(self) -> None:
        super().__init__(
            "This address shows too many tokens or sessions that are not known. Wait a second; then sign in "
            "again, or ask for a new token."
        )


class LookUps:
    """Those under way: who comes with the same meanwhile waits for the answer."""

    def __init__(self) -> None:
        self._asked: dict[bytes, asyncio.Task[Caller]] = {}
        self._unknown = Rates(burst_seconds=STRANGERS_BURST_SECONDS)

    async def caller(self, digest: bytes, credential: Credential, *, network: str | None) -> Caller:
        """Whom it belongs to; what comes from `network` is counted there unless it is known."""
        asked = self._asked.get(digest)
        if asked is None or asked.get_loop() is not asyncio.get_running_loop():
            asked = self._ask(digest, credential, network=network)
        # A client that hangs up takes the answer from nobody else.
        return await asyncio.shield(asked)

    def _ask(self, digest: bytes, credential: Credential, *, network: str | None) -> asyncio.Task[Caller]:
        rate = settings().api_stranger_per_second
        # Before it is known, so that many at once are counted as well.
        if network is not None and self._unknown.is_over(network, per_second=rate):
            raise TooManyUnknown

        def end(answered: asyncio.Task[Caller]) -> None:
            if self._asked.get(digest) is answered:
                del self._asked[digest]
            # Looked at in any case: everybody who waited for it may have hung up.
            is_unknown = not answered.cancelled() and isinstance(answered.exception(), Unauthorized)
            if network is not None and not is_unknown:
                self._unknown.take_back(network, per_second=rate)

        asked = self._asked[digest] = asyncio.ensure_future(run_in_threadpool(_look_up, credential))
        asked.add_done_callback(end)
        return asked


def _look_up(credential: Credential) -> Caller:
    with reading() as session:
        return credential.look_up(session)
