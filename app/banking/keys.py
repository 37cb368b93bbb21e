"""The keys that Plaid signs webhooks with, kept here so that few are asked for."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.banking.errors import (
    InvalidWebhook,
    KeyUnavailable,
    PlaidRefused,
    PlaidUnavailable,
    TooManyUnknownKeys,
)
from app.errors import Unavailable

if TYPE_CHECKING:
    from app.banking.plaid import Plaid

#: After so long a key is asked for again, and an ended one is noticed.
KNOWN_FOR = timedelta(hours=1)
#: For so long a name that no key has is refused without asking.
REFUSED_FOR = timedelta(minutes=5)
#: Whoever forges names has Plaid asked no more often than this, whatever they send.
MOST_ASKED = 10
ASKED_WITHIN = timedelta(minutes=1)
MOST_KEPT = 1_000
#: Refusals that say nothing of the key asked for: this service's own access is at fault.
NOT_ABOUT_THE_KEY = frozenset({"INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT", "MISSING_FIELDS"})


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What Plaid said of a name; `key` is None where it has no such key."""

    key: dict[str, Any] | None
    until: datetime


@dataclass
class KeyRing:
    """Keys by their ids. Threads share it: one asks, the others wait for what it learns."""

    _answers: dict[str, _Answer] = field(default_factory=dict)
    _asked: deque[datetime] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self, key_id: str, *, plaid: Plaid, now: datetime) -> dict[str, Any]:
        """The key (JWK). Raises `InvalidWebhook`, `TooManyUnknownKeys` and `KeyUnavailable`."""
        answer = self._known(key_id, now=now)
        if answer is None:
            with self._lock:
                answer = self._known(key_id, now=now) or self._ask(key_id, plaid=plaid, now=now)
        if answer.key is None:
            raise InvalidWebhook(problem="the key that it names is not one of Plaid's")
        expired_at = answer.key.get("expired_at")
        if expired_at is not None and expired_at <= now.timestamp():
            raise InvalidWebhook(problem="the key that it names has ended")
        return answer.key

    def _known(self, key_id: str, *, now: datetime) -> _Answer | None:
        answer = self._answers.get(key_id)
        return answer if answer is not None and answer.until > now else None

    def _ask(self, key_id: str, *, plaid: Plaid, now: datetime) -> _Answer:
        earlier = self._answers.get(key_id)
        try:
            self._take_turn(now)
            answer = _answer(plaid, key_id=key_id, now=now)
        except Unavailable:
            # Better a key that was good an hour ago than to depend on Plaid and on who else asks.
            if earlier is None or earlier.key is None:
                raise
            return earlier
        if len(self._answers) >= MOST_KEPT:
            self._answers = {name: kept for name, kept in self._answers.items() if kept.key is not None}
        self._answers[key_id] = answer
        return answer

    def _take_turn(self, now: datetime) -> None:
        while self._asked and self._asked[0] <= now - ASKED_WITHIN:
            self._asked.popleft()
        if len(self._asked) >= MOST_ASKED:
            raise TooManyUnknownKeys
        self._asked.append(now)


def _answer(plaid: Plaid, *, key_id: str, now: datetime) -> _Answer:
    try:
        return _Answer(key=plaid.verification_key(key_id=key_id), until=now + KNOWN_FOR)
    except PlaidUnavailable:
        raise KeyUnavailable from None
    except PlaidRefused as error:
        if error.reason in NOT_ABOUT_THE_KEY:
            raise KeyUnavailable from None
        return _Answer(key=None, until=now + REFUSED_FOR)
