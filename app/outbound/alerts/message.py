"""What an alert says, and its form as text and as JSON."""

from __future__ import annotations

import secrets
import socket
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from app.settings.config import settings

MAX_TITLE = 200
#: Source: Slack, reference of block elements; the other channels need no more.
MAX_TEXT = 3_000
MAX_SENTENCE = 2_000


class Event(StrEnum):
    """Why there is a message."""

    OPENED = "opened"
    RECOVERED = "recovered"
    TEST = "test"


_TITLES = {Event.OPENED: "Problem", Event.RECOVERED: "Recovered", Event.TEST: "Test of alerts"}


@dataclass(frozen=True, kw_only=True)
class AlertMessage:
    """One message about one alert. `key` names it: under one key, a channel is told once."""

    key: str
    event: Event
    #: Such as `disk`, and which of them: a host.
    kind: str
    subject: str
    sentence: str
    fix: str | None
    opened_at: datetime
    closed_at: datetime | None = None
    #: Where it was noticed.
    host: str = field(default_factory=socket.gethostname)
    release: str = field(default_factory=lambda: settings().release)

    def __post_init__(self) -> None:
        # What failed may have been somebody's input.
        for name in ("kind", "subject", "sentence", "fix"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else cut(clean(value), MAX_SENTENCE))

    @property
    def title(self) -> str:
        """What it is about, in one line."""
        about = " ".join(f"{_TITLES[self.event]}: {self.kind} {self.subject}".split()).rstrip(":")
        return cut(f"[Groundwork] {about}", MAX_TITLE)

    @property
    def text(self) -> str:
        """The whole message for a person, below the title."""
        parts = [self.sentence]
        if self.fix and self.event is Event.OPENED:
            parts.append(self.fix)
        parts.append(f"Since {_shown(self.opened_at)}, seen by {self.host} (release {self.release}).")
        if self.closed_at is not None:
            parts.append(f"Well again since {_shown(self.closed_at)}.")
        return cut(clean("\n\n".join(parts)), MAX_TEXT)

    def as_json(self) -> dict[str, Any]:
        """For a program, and to be kept."""
        document = asdict(self) | {"title": self.title, "text": self.text}
        for name in ("opened_at", "closed_at"):
            moment = document[name]
            document[name] = None if moment is None else moment.isoformat()
        return document

    @classmethod
    def trial(cls) -> Self:
        """One that says that it is none; each is another."""
        return cls(
            key=f"test:{secrets.token_hex(8)}",
            event=Event.TEST,
            kind="",
            subject="",
            sentence="This is a test: nothing is wrong, and alerts arrive here.",
            fix=None,
            opened_at=datetime.now(UTC),
        )

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """What `as_json` made."""
        known = {name: document[name] for name in cls.__dataclass_fields__}
        known["event"] = Event(known["event"])
        known["opened_at"] = datetime.fromisoformat(known["opened_at"])
        if known["closed_at"] is not None:
            known["closed_at"] = datetime.fromisoformat(known["closed_at"])
        return cls(**known)


def clean(text: str) -> str:
    """`text` without control characters and halves of surrogate pairs; lines may end."""
    return "".join(one for one in text if one == "\n" or unicodedata.category(one) not in ("Cc", "Cs"))


def cut(text: str, most: int) -> str:
    """The beginning of `text`, marked where it is not all of it."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
