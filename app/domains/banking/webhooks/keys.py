"""The keys that Plaid signs webhooks with, kept here so that few are asked for.

Anybody can send webhooks that name keys. So that nobody waits for theirs: a key is asked for by one flight
however many name it, on threads that nothing else uses; no more than a few flights are in the air, none for
names that were refused just now, and only so many a minute for one address. Who comes beyond that is
refused at once, which Plaid answers by sending the webhook again.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.domains.banking.errors import (
    InvalidWebhook,
    KeyUnavailable,
    PlaidRefused,
    PlaidUnavailable,
    TooManyUnknownKeys,
)
from app.errors import Unavailable

if TYPE_CHECKING:
    from app.domains.banking.plaid.client import Plaid

#: After so long a key is asked for again, and an ended one is noticed.
KNOWN_FOR = timedelta(hours=1)
#: For so long a key that cannot be asked for again is good as it is.
KEPT_FOR = timedelta(minutes=1)
#: For so long a name that no key has is refused without asking.
REFUSED_FOR = timedelta(minutes=5)
#: Whoever forges names has Plaid asked for unknown ones no more often than this, whatever they send.
MAX_ASKED = 30
MAX_ASKED_BY_ADDRESS = 5
ASKED_WITHIN = timedelta(minutes=1)
MAX_FETCHES = 4
MAX_WAITING = 50
MAX_KEPT = 1_000
#: Refusals that say nothing of the key asked for: this service's own access is at fault.
NOT_ABOUT_THE_KEY = frozenset({"INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT", "MISSING_FIELDS"})


@dataclass(frozen=True, kw_only=True)
class Named:
    """A key that a webhook names, and the address that the webhook came from."""

    key_id: str
    address: str


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What Plaid said of a name; `key` is None where it has no such key."""

    key: dict[str, Any] | None
    until: datetime


@dataclass
class KeyRing:
    """Keys by their ids, for all threads and event loops of a process."""

    _answers: dict[str, _Answer] = field(default_factory=dict)
    _flights: dict[str, Future[_Answer]] = field(default_factory=dict)
    _asked: deque[tuple[datetime, str]] = field(default_factory=deque)
    _waiting: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def key(self, named: Named, *, plaid: Plaid, now: datetime) -> dict[str, Any]:
        """The key (JWK). Raises `InvalidWebhook`, `TooManyUnknownKeys` and `KeyUnavailable`."""
        flight = self._pending_fetch(named, plaid=plaid, now=now)
        answer = flight if isinstance(flight, _Answer) else await self._fetched(flight)
        if answer.key is None:
            raise InvalidWebhook(problem="the key that it names is not one of Plaid's")
        expired_at = answer.key.get("expired_at")
        if expired_at is not None and expired_at <= now.timestamp():
            raise InvalidWebhook(problem="the key that it names has expired")
        return answer.key

    async def _fetched(self, flight: Future[_Answer]) -> _Answer:
        try:
            # Whoever waits may go away; the flight is everybody's.
            return await asyncio.shield(asyncio.wrap_future(flight))
        finally:
            with self._lock:
                self._waiting -= 1

    def _pending_fetch(self, named: Named, *, plaid: Plaid, now: datetime) -> _Answer | Future[_Answer]:
        """What is known of the key, or a place among those who wait for it. Nothing in here waits."""
        with self._lock:
            known = self._answers.get(named.key_id)
            if known is not None and known.until > now:
                return known
            if self._waiting >= MAX_WAITING:
                raise TooManyUnknownKeys
            flight = self._flights.get(named.key_id)
            if flight is None:
                self._take_turn(named, now=now)
                flight = self._flights[named.key_id] = Future()
                threading.Thread(
                    target=self._start_fetch,
                    args=(named.key_id, flight, plaid, now),
                    name="plaid-key",
                    daemon=True,
                ).start()
            self._waiting += 1
            return flight

    def _take_turn(self, named: Named, *, now: datetime) -> None:
        if len(self._flights) >= MAX_FETCHES:
            raise TooManyUnknownKeys
        earlier = self._answers.get(named.key_id)
        if earlier is not None and earlier.key is not None:
            # Known keys are few, and each is asked for again once an hour: that takes nobody's turn.
            return
        while self._asked and self._asked[0][0] <= now - ASKED_WITHIN:
            self._asked.popleft()
        by_address = sum(address == named.address for _, address in self._asked)
        if len(self._asked) >= MAX_ASKED or by_address >= MAX_ASKED_BY_ADDRESS:
            raise TooManyUnknownKeys
        self._asked.append((now, named.address))

    def _start_fetch(self, key_id: str, flight: Future[_Answer], plaid: Plaid, now: datetime) -> None:
        try:
            answer = self._ask(key_id, plaid=plaid, now=now)
        except BaseException as error:
            self._finish_fetch(key_id)
            flight.set_exception(error)
        else:
            self._finish_fetch(key_id, answer)
            flight.set_result(answer)

    def _finish_fetch(self, key_id: str, answer: _Answer | None = None) -> None:
        with self._lock:
            del self._flights[key_id]
            if answer is None:
                return
            if len(self._answers) >= MAX_KEPT:
                self._answers = {name: kept for name, kept in self._answers.items() if kept.key is not None}
            self._answers[key_id] = answer

    def _ask(self, key_id: str, *, plaid: Plaid, now: datetime) -> _Answer:
        try:
            return _answer(plaid, key_id=key_id, now=now)
        except Unavailable:
            earlier = self._answers.get(key_id)
            if earlier is None or earlier.key is None:
                raise
            # Better a key that was good an hour ago than to depend on Plaid.
            return _Answer(key=earlier.key, until=now + KEPT_FOR)


def _answer(plaid: Plaid, *, key_id: str, now: datetime) -> _Answer:
    try:
        return _Answer(key=plaid.verification_key(key_id=key_id), until=now + KNOWN_FOR)
    except PlaidUnavailable:
        raise KeyUnavailable from None
    except PlaidRefused as error:
        if error.reason in NOT_ABOUT_THE_KEY:
            raise KeyUnavailable from None
        return _Answer(key=None, until=now + REFUSED_FOR)
