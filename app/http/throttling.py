"""How much one caller may ask of the API at once and in a second, so that others are served meanwhile.

A token or a person who signed in is counted by itself, a stranger by the address. Each gunicorn process
counts for itself, so that a request waits for no other process and no server: what all processes together
take is `GROUNDWORK_API_WORKERS` times as much. The proxy's limits are by address and for all of them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from app.errors import GroundworkError, Unavailable
from app.http.access import PROBES
from app.http.client_addresses import address_of, network_of
from app.http.problems import respond_to
from app.http.rates import STRANGERS_BURST_SECONDS, Rates, TooManyRequests
from app.http.raw_headers import header_of_answer
from app.settings.config import settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.http.problems import Refuse

#: A caller that was idle may send as much at once as it may in so long.
BURST_SECONDS = 1.0
EVENT_STREAM = b"text/event-stream"


class Busy(Unavailable):
    """Raised when all callers together ask more than this process can work on."""

    code = "busy"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"{most} requests are being answered here. Send this one again in a few seconds.")


class Throttle:
    """ASGI middleware: refuses what is too much, with 429 for one caller, with 503 for all together."""

    def __init__(self, app: ASGIApp, *, refuse: Refuse = respond_to) -> None:
        self.app = app
        self._refuse = refuse
        self._in_flight: Counter[str] = Counter()
        self._callers = Rates(burst_seconds=BURST_SECONDS)
        self._strangers = Rates(burst_seconds=STRANGERS_BURST_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        caller = scope["state"].get("caller")
        is_stranger = caller is not None and caller.is_stranger
        who = network_of(address_of(scope)) if is_stranger else caller.token_id if caller else ""
        try:
            self._refuse_crowd(who)
            self._refuse_hurry(who, is_stranger=is_stranger)
        except GroundworkError as error:
            await self._refuse(scope, error)(scope, receive, send)
            return
        await self._counted(who, scope, receive, send)

    def _refuse_crowd(self, who: str) -> None:
        most = settings().api_in_flight
        if self._in_flight[who] >= most // 2:
            raise TooManyRequests(
                f"{most // 2} requests of this caller are being answered here. Wait for some of them."
            )
        if self._in_flight.total() >= most:
            raise Busy(most=most)

    def _refuse_hurry(self, who: str, *, is_stranger: bool) -> None:
        given = settings()
        rate = given.api_stranger_per_second if is_stranger else given.api_token_per_second
        counted = self._strangers if is_stranger else self._callers
        if counted.is_over(who, per_second=rate):
            raise TooManyRequests(f"This caller sends more than {rate} requests a second. Slow down.")

    async def _counted(self, who: str, scope: Scope, receive: Receive, send: Send) -> None:
        counted = True
        self._in_flight[who] += 1

        def release() -> None:
            nonlocal counted
            if counted:
                counted = False
                self._in_flight[who] -= 1
                if not self._in_flight[who]:
                    del self._in_flight[who]

        async def send_watched(message: Message) -> None:
            # Whoever follows events for minutes asks for little meanwhile; `streams` bounds how many do.
            if message["type"] == "http.response.start" and _is_stream(message):
                release()
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        finally:
            release()


def _is_stream(message: Message) -> bool:
    return (header_of_answer(message, b"content-type") or b"").startswith(EVENT_STREAM)
