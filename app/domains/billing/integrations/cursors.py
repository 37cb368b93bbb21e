"""Where reading a calendar goes on: the provider's token, and what has to be asked again with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.domains.billing.integrations.errors import SyncTokenExpired
from app.domains.billing.integrations.facts import Window

#: How far back events are looked at: what is older is billed.
PAST = timedelta(days=62)
FUTURE = timedelta(days=42)
#: A window stands still while changes are asked for, so all is read anew before it ends.
MIN_FUTURE = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """`sync` asks for what changed since; `page`, for the next page of that or of everything."""

    window: Window
    sync: str | None = None
    page: str | None = None

    def at_page(self, page: str) -> Cursor:
        """The same listing, further on."""
        return replace(self, page=page)

    def after(self, sync: str) -> Cursor:
        """Behind the whole listing."""
        return Cursor(window=self.window, sync=sync)

    @property
    def text(self) -> str:
        """What is stored."""
        window = [self.window.starts_at.isoformat(), self.window.ends_at.isoformat()]
        return json.dumps([*window, self.sync, self.page], separators=(",", ":"))


def cursor_of(text: str, *, provider: str) -> Cursor:
    """What `Cursor.text` was. Raises `SyncTokenExpired` for anything else."""
    try:
        starts_at, ends_at, sync, page = json.loads(text)
        window = Window(
            starts_at=datetime.fromisoformat(starts_at).astimezone(UTC),
            ends_at=datetime.fromisoformat(ends_at).astimezone(UTC),
        )
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise SyncTokenExpired(provider=provider) from None
    return Cursor(window=window, sync=sync, page=page)


def window_around(now: datetime) -> Window:
    """The time of which events are looked at from now on."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(starts_at=midnight - PAST, ends_at=midnight + FUTURE)


def start(token: str | None, *, now: datetime, provider: str) -> Cursor:
    """The cursor to begin with: at `token` while its window is good, else at everything."""
    if token is not None:
        cursor = cursor_of(token, provider=provider)
        if cursor.window.ends_at - now >= MIN_FUTURE:
            return cursor
    return Cursor(window=window_around(now))
