"""What the page of alerts shows, and what its forms ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.console.forms import times_ahead
from app.console.questions import looking
from app.outbound.alerts import muting, service
from app.outbound.alerts.kinds import known_kinds
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.db.pages import Page
    from app.outbound.alerts.models import Alert, AlertMute

MAX_OPEN, PAGE = 200, 50


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All of it, as it is now."""

    #: Alerts, each with what mutes it.
    open: Sequence[tuple[Alert, AlertMute | None]]
    #: How many are open beyond those.
    more: int
    recent: Page
    mutes: Sequence[AlertMute]
    kinds: Sequence[str]
    #: Times until which alerts can be muted. Not spans: the same form sent twice says the same.
    until: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which alerts a form is about: all of a kind where it names no subject."""

    kind: str
    subject: str | None

    @property
    def path(self) -> str:
        """As the audit log has it."""
        return muting.path_of(self.kind, self.subject)


def look(*, before: int | None) -> Seen:
    """What is open, what was, and what is muted."""
    with looking() as session:
        rows, known = service.open_alerts(session), muting.mutes(session)
        return Seen(
            open=[
                (row, muting.mute_of(known, kind=row.kind, subject=row.subject)) for row in rows[:MAX_OPEN]
            ],
            more=len(rows[MAX_OPEN:]),
            recent=service.closed(session, before=before, limit=PAGE),
            mutes=muting.muted(session),
            kinds=sorted(known_kinds()),
            until=times_ahead(),
        )


def asked(form: Mapping[str, str]) -> Asked:
    """What a form is about. Raises `InvalidFields`."""
    kind = form.get("kind", "")
    if not kind:
        raise InvalidFields(
            [FieldError(detail="Say which kind of alerts; nothing was done", parameter="kind")]
        )
    return Asked(kind=kind, subject=None if form.get("of") == "kind" else form.get("subject"))
