"""Looks whether the settings give time limits to tasks that there are."""

from __future__ import annotations

from app.jobs.declaration import registry
from app.settings.config import settings
from app.settings.sources import PREFIX, ConfigError


class NoSuchTask(ConfigError):
    """Raised at the start for a time limit that would never be one."""

    code = "no_such_task"

    def __init__(self, *, names: set[str]) -> None:
        super().__init__(
            f"{PREFIX}TASK_TIME_LIMITS names what is no task: {', '.join(sorted(names))}. Take them from "
            "`groundwork tasks`."
        )


def refuse_unknown() -> None:
    """Raise `NoSuchTask` unless each limit is that of a task."""
    limited = set(settings().time_limits)
    unknown = limited - registry.known(limited)
    if unknown:
        raise NoSuchTask(names=unknown)
