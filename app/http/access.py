"""What surrounds every request: its id, the catch for the unforeseen, and the check of its token."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from starlette.concurrency import run_in_threadpool
from structlog.contextvars import bind_contextvars, reset_contextvars
from uuid_utils import uuid4

from app.db import outages
from app.db.sessions import transaction
from app.errors import Unauthorized
from app.http.client_addresses import address_of, is_loopback, network_of
from app.http.credentials import Credential, CsrfRefused, found_in
from app.http.look_ups import LookUps, TooManyUnknown
from app.http.problems import DatabaseDown, respond_to, respond_unforeseen
from app.http.raw_headers import header
from app.logs.failures import first_line
from app.settings.config import settings
from app.tokens import service
from app.tokens.callers import STRANGER, Caller, ExpiredToken, InvalidToken, MissingToken
from app.tokens.open_paths import caller_without_token, header_verified_at, is_open_to_strangers

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.http.problems import Refuse

log = structlog.get_logger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Of every answer.
ALWAYS = ((b"x-content-type-options", b"nosniff"),)
#: Of one that does not say otherwise.
NOT_STORED = (b"cache-control", b"no-store")
#: A token just looked up is not looked up again for so long: a revoked one ends within this.
TRUSTED_FOR = timedelta(seconds=1)
#: For so long a known token is let in while the database does not answer, and to the probes.
TRUSTED_WITHOUT_DATABASE = timedelta(seconds=60)
LIVENESS = "/livez"
PROBES = frozenset({LIVENESS, "/readyz"})
#: Source: RFC 6455, section 7.4.1.
POLICY_VIOLATION = 1008
MAX_REMEMBERED = 10_000


class RequestContext:
    """ASGI middleware: gives the request an id, for its answer and its log lines; a 500 at worst."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        request_id = given if given and REQUEST_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        named = [(b"x-request-id", request_id.encode()), *ALWAYS]
        started = False

        async def send_named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = message.get("headers", ())
                headers = [*given, *named]
                if not any(name.lower() == b"cache-control" for name, _ in given):
                    headers.append(NOT_STORED)
                message["headers"] = headers
            await send(message)

        bound = bind_contextvars(request_id=request_id)
        try:
            await self.app(scope, receive, send_named)
        except Exception:
            log.exception("request_failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await respond_unforeseen(scope)(scope, receive, send_named)
        finally:
            reset_contextvars(**bound)


@dataclass(frozen=True, kw_only=True)
class _Remembered:
    caller: Caller
    at: float

    def is_within(self, age: timedelta) -> bool:
        return time.monotonic() - self.at <= age.total_seconds()


class Authenticate:
    """ASGI middleware: lets nobody in without a good token, to whatever path.

    Only what `app.tokens.open_paths` has as `verified_by_route` or `open_to_strangers` goes by, to be
    checked by its route. Another door than the API's has its own way to `find` a credential and to `refuse`.
    """

    def __init__(
        self, app: ASGIApp, *, find: Callable[[Scope], Credential] | None = None, refuse: Refuse = respond_to
    ) -> None:
        self.app = app
        self._find = find or credential_of
        self._refuse = refuse
        self._remembered: dict[bytes, _Remembered] = {}
        self._look_ups = LookUps()
        self._noted: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # No route takes one, and none that is added may be open to everybody.
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        if scope["type"] != "http" or is_verified_by_route(scope) or is_open(scope):
            await self.app(scope, receive, send)
            return
        if is_open_to_strangers(scope["path"]):
            scope["state"]["caller"] = STRANGER
            await self.app(scope, receive, send)
            return
        try:
            caller = await self._identified(scope)
        except (Unauthorized, CsrfRefused, DatabaseDown, TooManyUnknown) as error:
            await self._refuse(scope, error)(scope, receive, send)
            return
        scope["state"]["caller"] = caller
        bound = bind_contextvars(token=caller.name)
        try:
            await self.app(scope, receive, send)
        finally:
            reset_contextvars(**bound)
        if caller.user_id is None and not caller.is_stranger:
            await self._note_use(caller.token_id)

    async def _identified(self, scope: Scope) -> Caller:
        try:
            credential = self._find(scope)
        except MissingToken:
            return caller_without_token(scope["path"])
        scope["state"]["credential"] = credential
        network = network_of(address_of(scope))
        return await self._caller(credential, network=network, is_probe=scope["path"] in PROBES)

    async def _caller(self, credential: Credential, *, network: str, is_probe: bool) -> Caller:
        digest = hashlib.sha256(credential.secret.encode()).digest()
        known = self._remembered.get(digest)
        if known and known.is_within(TRUSTED_WITHOUT_DATABASE if is_probe else TRUSTED_FOR):
            known.caller.refuse_expired()
            return known.caller
        try:
            # What was good a while ago is looked up however many strangers share its address.
            caller = await self._look_ups.caller(digest, credential, network=None if known else network)
        except (InvalidToken, ExpiredToken):
            self._remembered.pop(digest, None)
            raise
        except outages.ERRORS as error:
            if not outages.is_transient(error):
                raise
            log.warning("database_unavailable", error=str(error))
            if known and known.is_within(TRUSTED_WITHOUT_DATABASE):
                known.caller.refuse_expired()
                return known.caller
            raise DatabaseDown from None
        self._remember(digest, caller)
        return caller

    async def _note_use(self, token_id: str) -> None:
        """Write down the use, after the answer and seldom: it may have to wait for its turn to write."""
        now, precision = time.monotonic(), service.LAST_USED_PRECISION.total_seconds()
        if now - self._noted.get(token_id, -precision) < precision:
            return
        self._noted[token_id] = now
        try:
            await run_in_threadpool(_touch, token_id)
        except outages.ERRORS as error:
            # The answer is out; nothing that is wrong here may spoil it.
            log.warning("token_use_not_noted", error=first_line(error))

    def _remember(self, digest: bytes, caller: Caller) -> None:
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
            self._noted.clear()
        self._remembered[digest] = _Remembered(caller=caller, at=time.monotonic())


def is_verified_by_route(scope: Scope) -> bool:
    """Whether the request carries what its route checks in place of a token."""
    name = header_verified_at(scope["path"])
    return name is not None and header(scope, name.lower().encode()) is not None


def is_open(scope: Scope) -> bool:
    """Whether the request asks for nothing but a sign of life, from where that may be asked without a token.

    What a proxy hands on comes from loopback, too, and is told by the header that it adds.
    """
    if scope["path"] != LIVENESS or scope["method"] not in ("GET", "HEAD"):
        return False
    if header(scope, b"authorization") is not None:
        return False
    if settings().livez_open:
        return True
    forwarded = any(header(scope, name) is not None for name in (b"x-forwarded-for", b"forwarded"))
    return not forwarded and is_loopback(scope)


def credential_of(scope: Scope) -> Credential:
    """What a request carries to show who it is from. Raises `Unauthorized` or `CsrfRefused`.

    Anybody can send what is none; the database is not asked for such.
    """
    given = header(scope, b"authorization")
    if given is None:
        found = found_in(scope)
        if found is None:
            raise MissingToken
        return found
    secret = secret_of(given, method=scope["method"])
    if service.is_well_formed(secret):
        return Credential(secret=secret, look_up=partial(service.authenticate, secret=secret))
    found = found_in(scope)
    if found is None:
        raise InvalidToken
    return found


def secret_of(given: str, *, method: str) -> str:
    """The token that a request of `method` is `given` with. Raises `MissingToken` or `InvalidToken`.

    As the password of Basic authentication, which is what a browser can send, it serves for reading only:
    a foreign page can make a browser post, but not read.
    """
    kind, _, value = given.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic" or method != "GET":
        raise MissingToken
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidToken from None


def _touch(token_id: str) -> None:
    with transaction() as session:
        service.touch(session, token_id=token_id)
