"""What the commands of `groundwork schedules` do, each in a transaction of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.declaration.arguments import typed_arguments
from app.schedule import checks, history, service
from app.schedule.fire import fire_now
from app.schedule.views import RunView, ScheduleChange, ScheduleDraft, ScheduleView
from app.values.field_errors import InvalidFields, field_errors

if TYPE_CHECKING:
    from datetime import datetime

#: Options that are spans of time, and the settings in seconds that they are.
_SPANS = {
    "every": "every_seconds",
    "grace": "grace_seconds",
    "jitter": "jitter_seconds",
    "success_within": "success_within_seconds",
}


def settings_of(
    *, arg: list[str] | None = None, json_args: str | None = None, **options: Any
) -> dict[str, Any]:
    """What the options say, by the names of the API."""
    found = {_SPANS.get(name, name): _plain(value) for name, value in options.items()}
    if arg or json_args is not None:
        found["arguments"] = typed_arguments(pairs=arg or [], document=json_args)
    return found


def _plain(value: Any) -> Any:
    return round(value.total_seconds()) if isinstance(value, timedelta) else value


def rows() -> list[dict[str, Any]]:
    """All schedules, as a list shows them."""
    with reading() as session:
        views = [ScheduleView.of(entry) for entry in service.list_schedules(session)]
    return [view.model_dump() | {"state": _state_of(view)} for view in views]


def document(name: str) -> dict[str, Any]:
    """One schedule."""
    with reading() as session:
        return ScheduleView.of(service.find(session, name)).model_dump()


def create_one(name: str, *, task: str, given: dict[str, Any]) -> ScheduleView:
    """Make a schedule."""
    try:
        draft = ScheduleDraft.model_validate({"name": name, "task": task, **given})
    except ValidationError as error:
        raise InvalidFields(field_errors(error.errors(include_input=False))) from None
    with transaction() as session:
        return ScheduleView.of(service.create(session, draft))


def change_one(name: str, *, given: dict[str, Any]) -> ScheduleView:
    """Change a schedule."""
    try:
        wanted = ScheduleChange.model_validate(given)
    except ValidationError as error:
        raise InvalidFields(field_errors(error.errors(include_input=False))) from None
    with transaction() as session:
        return ScheduleView.of(service.change(session, name, wanted))


def reset_one(name: str) -> ScheduleView:
    """Set a schedule back to what its task declares."""
    with transaction() as session:
        return ScheduleView.of(service.reset(session, name))


def delete_one(name: str) -> None:
    """Delete a schedule."""
    with transaction() as session:
        service.remove(session, name)


def fire_one(name: str) -> str:
    """Accept a job of a schedule; its id."""
    with transaction() as session:
        return fire_now(session, service.find(session, name))


def moments_of(name: str, *, count: int) -> list[datetime]:
    """The next moments of a schedule."""
    with reading() as session:
        return service.preview(service.find(session, name), after=db_now(session), count=count)


def runs_of(name: str, *, limit: int) -> list[dict[str, Any]]:
    """The last moments of a schedule."""
    with reading() as session:
        service.find(session, name)
        return [RunView.of(run).model_dump() for run in history.runs_of(session, name, limit=limit)]


def problems() -> dict[str, str]:
    """By schedule, why it cannot be fired."""
    with reading() as session:
        return checks.problems(service.list_schedules(session))


def _state_of(view: ScheduleView) -> str:
    states = {
        "gone": view.gone_at is not None,
        "disabled": not view.enabled,
        "failing": view.problem is not None,
        "overdue": view.overdue_since is not None,
        "edited": view.edited,
    }
    return ", ".join(name for name, holds in states.items() if holds)
