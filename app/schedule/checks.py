"""Whether a schedule can be fired by this release: its task, its arguments, its queue, its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import GroundworkError
from app.jobs.declaration import registry
from app.jobs.declaration.arguments import checked_arguments
from app.jobs.factory import arguments as encoded
from app.schedule.errors import NotDurable, SensitiveArgument
from app.schedule.spec import cron
from app.values.timezones import check_timezone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.schedule.models import ScheduleEntry


def refuse_unusable(entry: ScheduleEntry) -> dict[str, Any]:
    """The arguments as the task takes them. Raises what is wrong with the schedule, in a sentence."""
    spec = registry.spec_of(entry.task)
    if not spec.durable:
        raise NotDurable(task=spec.name)
    if secret := spec.sensitive & entry.arguments.keys():
        raise SensitiveArgument(task=spec.name, names=secret)
    if entry.queue is not None:
        registry.checked_queue(entry.queue, task=spec.name)
    check_timezone(entry.timezone)
    if entry.cron is not None:
        cron(entry.cron, timezone=entry.timezone)
    found = checked_arguments(spec, entry.arguments)
    encoded(spec, (), found)
    return found


def problems(entries: Iterable[ScheduleEntry]) -> dict[str, str]:
    """By name, what is wrong with those that are to fire and cannot."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.enabled and entry.gone_at is None:
            try:
                refuse_unusable(entry)
            except GroundworkError as error:
                found[entry.name] = str(error)
    return found
