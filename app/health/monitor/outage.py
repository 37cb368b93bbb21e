"""Tells that the database is away, without the database.

There is no row then that could say who tells it. Redis says it, where that answers: the first process that
claims a channel there sends, and marks it as told; a claim whose holder died ends by itself. Where Redis is
away as well, each process that watches tells it, once. When the database is back, the alert becomes a row,
and its recovery is told as that of any other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.jobs.broker import redis
from app.outbound.alerts.channels.configured import channels
from app.outbound.alerts.message import AlertMessage, Event
from app.outbound.alerts.process import send_unrecorded
from app.settings.config import settings

if TYPE_CHECKING:
    from app.outbound.alerts.look import Problem

KIND = "database"
#: Longer than sending takes.
CLAIM = timedelta(minutes=2)
#: How long an outage is known after the last process that saw it; the next one is another.
KNOWN = timedelta(minutes=10)
#: Longer than anybody leaves a database away.
REMEMBERED = timedelta(days=7)
_AWAY = redis.RedisBroker.failures


class Outage:
    """What this process knows of an outage of the database."""

    def __init__(self) -> None:
        #: Since when, as all who share a Redis say it.
        self._since: datetime | None = None
        #: The channels that this process has told.
        self._notified: set[str] = set()
        # One that began before this process did may have been told of.
        self._is_new = True

    def tell(self, problem: Problem) -> None:
        """Tell each channel that nobody has told."""
        shared = _shared_since(self._since or datetime.now(UTC))
        self._since = self._since or shared or datetime.now(UTC)
        mine = [name for name in channels() if name not in self._notified and self._claim(name)]
        if mine:
            took = send_unrecorded(self._message(problem, since=self._since), mine)
            self._notified |= took
            for name in mine:
                self._settle(name, is_notified=name in took)

    def over(self) -> datetime | None:
        """With the database back: since when it was away, if that may have been told."""
        if self._since is None and not self._is_new:
            return None
        return self._since if self._notified else _known_since()

    def forget(self) -> None:
        """What `over` said is dealt with."""
        if self._since is not None:
            _delete_since()
        self._since, self._notified, self._is_new = None, set(), False

    def _message(self, problem: Problem, *, since: datetime) -> AlertMessage:
        return AlertMessage(
            key=f"alert:{KIND}:{since.isoformat()}:{Event.OPENED}",
            event=Event.OPENED,
            kind=KIND,
            subject="",
            sentence=problem.sentence,
            fix=problem.fix,
            opened_at=since,
        )

    def _claim(self, channel: str) -> bool:
        """Whether it is for this process to tell that channel."""
        try:
            return bool(redis.client().set(self._key(channel), "claimed", nx=True, ex=CLAIM))
        except _AWAY:
            return True

    def _settle(self, channel: str, *, is_notified: bool) -> None:
        """Keep what was told from being told again, and let others try what was not."""
        try:
            if is_notified:
                redis.client().set(self._key(channel), "told", ex=REMEMBERED)
            else:
                redis.client().delete(self._key(channel))
        except _AWAY:
            return

    def _key(self, channel: str) -> str:
        since = "" if self._since is None else self._since.isoformat()
        return f"{settings().redis_prefix}alert:{KIND}:{since}:{channel}"


def _since_key() -> str:
    return f"{settings().redis_prefix}alert:{KIND}:since"


def _shared_since(mine: datetime) -> datetime | None:
    """Since when the database is away for all: for as long as the first of them has seen it."""
    try:
        redis.client().set(_since_key(), mine.isoformat(), nx=True)
        redis.client().expire(_since_key(), KNOWN)
    except _AWAY:
        return None
    return _known_since()


def _known_since() -> datetime | None:
    try:
        raw = redis.client().get(_since_key())
    except _AWAY:
        return None
    return datetime.fromisoformat(raw.decode()) if isinstance(raw, bytes) else None


def _delete_since() -> None:
    try:
        redis.client().delete(_since_key())
    except _AWAY:
        return
