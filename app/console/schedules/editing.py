"""Edits a schedule by a form: as it is, as it would be, and what is done about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from app.console.acts import note
from app.console.places import schedule_at
from app.console.questions import looking
from app.db.sessions import transaction
from app.jobs.web import permissions
from app.schedule import service
from app.schedule.policies import Misfire, Overlap
from app.schedule.views import ScheduleChange
from app.schedule.web import editing
from app.values.durations import InvalidSpan, span, written
from app.values.field_errors import FieldError, InvalidFields, field_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.orm import Session

    from app.schedule.models import ScheduleEntry
    from app.schedule.web.editing import Edit, Preview
    from app.tokens.callers import Caller

#: Fields that are spans of time, and the settings in seconds that they are.
SPANS = {
    "every": "every_seconds",
    "grace": "grace_seconds",
    "jitter": "jitter_seconds",
    "success_within": "success_within_seconds",
}
#: Fields that are moments.
MOMENTS = ("at", "starts_at", "ends_at")
FIELDS = ("cron", *SPANS, *MOMENTS, "timezone", "overlap", "misfire")
#: What is set where a field is left empty, beside nothing.
_USUAL = {"timezone": "UTC", "jitter": "0s", "overlap": Overlap.ALLOW, "misfire": Misfire.ONCE}
#: A time of UTC.
_TYPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
#: So many moments a week may be meant; more are asked about.
MANY = 7 * 24 * 60


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A schedule as the form begins with it."""

    entry: ScheduleEntry
    fields: Mapping[str, str]


def look(name: str, *, caller: Caller) -> Seen:
    """The schedule, for somebody who may change it."""
    with looking() as session:
        entry = service.find(session, name)
        permissions.require_tasks({entry.task}, caller=caller)
        return Seen(entry=entry, fields=_fields_of(entry))


def preview(name: str, form: Mapping[str, str], *, caller: Caller) -> Preview:
    """What the form would make of it. Raises what is wrong in a sentence."""
    wanted = wanted_by(form)
    with looking() as session:
        permissions.require_tasks({service.find(session, name).task}, caller=caller)
        return editing.preview(session, name, wanted)


def save(name: str, form: Mapping[str, str], *, version: int, reason: str, caller: Caller) -> None:
    """Change it, once, and write down who did so and why."""
    wanted = wanted_by(form)

    def change(session: Session) -> Edit | None:
        return editing.edit(session, name, wanted, version=version)

    _do(name, change, title="Change a schedule", act="change", reason=reason, caller=caller)


def take_back(name: str, *, version: int, reason: str, caller: Caller) -> None:
    """Set it to what its task declares, once, and write down who did so and why."""

    def reset(session: Session) -> Edit | None:
        return editing.take_back(session, name, version=version)

    title = "Take back the edits of a schedule"
    _do(name, reset, title=title, act="reset", reason=reason, caller=caller)


def _do(
    name: str,
    act_on: Callable[[Session], Edit | None],
    *,
    title: str,
    act: str,
    reason: str,
    caller: Caller,
) -> None:
    with transaction() as session:
        permissions.require_tasks({service.find(session, name).task}, caller=caller)
        done = act_on(session)
        if done is not None:
            path = f"{schedule_at(name)}/{act}"
            said = {"reason": reason, "before": dict(done.before), "after": dict(done.after)}
            note(session, caller, title=title, path=path, **said)


def wanted_by(form: Mapping[str, str]) -> ScheduleChange:
    """What the fields of a form say. Raises `InvalidFields`."""
    given: dict[str, Any] = {}
    for name in FIELDS:
        text = form.get(name, "").strip() or _USUAL.get(name, "")
        given[SPANS.get(name, name)] = _read(name, text) if text else None
    try:
        return ScheduleChange.model_validate(given)
    except ValidationError as error:
        raise InvalidFields(field_errors(error.errors(include_input=False))) from None


def on_its_clock(moment: datetime, timezone: str) -> str:
    """A moment as the clock of a zone shows it, and how far that is from UTC."""
    return f"{moment.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M:%S %z}"


def _read(name: str, text: str) -> Any:
    if name in SPANS:
        try:
            return round(span(text).total_seconds())
        except InvalidSpan as error:
            raise _refusal(name, str(error)) from None
    if name in MOMENTS:
        return _moment(name, text)
    return text


def _moment(name: str, text: str) -> str:
    found = _TYPED.fullmatch(text)
    try:
        datetime.fromisoformat(text if found else "")
    except ValueError:
        raise _refusal(name, "Give a time of UTC that there is, such as 2026-01-31T08:00") from None
    return f"{text}{'' if found and found[1] else ':00'}Z"


def _refusal(name: str, detail: str) -> InvalidFields:
    return InvalidFields([FieldError(detail=detail, parameter=name)])


def _fields_of(entry: ScheduleEntry) -> dict[str, str]:
    seconds = {
        "every": entry.interval_seconds,
        "grace": entry.grace_seconds,
        "jitter": entry.jitter_seconds or None,
        "success_within": entry.success_within_seconds,
    }
    moments = {"at": entry.once_at, "starts_at": entry.starts_at, "ends_at": entry.ends_at}
    return {
        "cron": entry.cron or "",
        **{name: "" if value is None else written(value) for name, value in seconds.items()},
        **{name: "" if value is None else _typed(value) for name, value in moments.items()},
        "timezone": entry.timezone,
        "overlap": entry.overlap,
        "misfire": entry.misfire,
    }


def _typed(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="auto")
