"""What can go wrong with a schedule that somebody makes or changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput, NotFound
from app.values.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


class UnknownSchedule(NotFound):
    """Raised for a name that no schedule has."""

    code = "unknown_schedule"

    def __init__(self, *, name: str, known: Collection[str]) -> None:
        hint = did_you_mean(name, known, otherwise="`groundwork schedules list` shows them.")
        super().__init__(f'There is no schedule "{name}". {hint}')


class ScheduleNameTaken(Conflict):
    """Raised when a schedule has the name already."""

    code = "schedule_name_taken"

    def __init__(self, *, name: str) -> None:
        super().__init__(f'A schedule called "{name}" exists. Change it, or choose another name.')


class ScheduleChanged(Conflict):
    """Raised when a schedule is not any more as whoever changes it saw it."""

    code = "schedule_changed"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f'The schedule "{name}" was changed since it was shown: nothing was done. Look at it again.'
        )


class DefaultSchedule(Conflict):
    """Raised when what a task declares is to be deleted."""

    code = "default_schedule"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f'The schedule "{name}" is declared by its task and would come back. Disable it instead.'
        )


class NoDefault(Conflict):
    """Raised when there is nothing that a schedule could be set back to."""

    code = "no_default"

    def __init__(self, *, name: str) -> None:
        super().__init__(f'No task declares the schedule "{name}", so there is no default to go back to.')


class InvalidScheduleName(InvalidInput):
    """Raised for a name that cannot be one."""

    code = "invalid_schedule_name"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"The schedule name {name[:80]!r} is not usable: give 1 to 200 letters, digits, dots, dashes or "
            "underscores, the first a letter or digit."
        )


class InvalidRule(InvalidInput):
    """Raised unless exactly one thing says when a schedule fires."""

    code = "invalid_rule"

    def __init__(self, *, given: Collection[str]) -> None:
        found = f"{' and '.join(sorted(given))} are given" if given else "nothing of it is given"
        super().__init__(
            f"A schedule has one of cron, every_seconds and at, and {found}. Give one, such as "
            '"0 2 * * *" as cron.'
        )


class InvalidPeriod(InvalidInput):
    """Raised for a moment or a part of time in which nothing could be fired."""

    code = "invalid_period"


class NeverFires(InvalidInput):
    """Raised for a schedule that has no moment ahead."""

    code = "never_fires"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f'The schedule "{name}" would never fire: none of its moments lies ahead and between starts_at '
            "and ends_at. Change when it fires, or its bounds."
        )


class NotDurable(InvalidInput):
    """Raised for a task whose jobs are not in the ledger."""

    code = "not_durable"

    def __init__(self, *, task: str) -> None:
        super().__init__(
            f"{task} is not durable, so that nobody could tell whether its schedule fired. Schedule a "
            "durable task that sends it."
        )


class SensitiveArgument(InvalidInput):
    """Raised for an argument that must not stand in a table in clear."""

    code = "sensitive_argument"

    def __init__(self, *, task: str, names: Collection[str]) -> None:
        super().__init__(
            f"{task} keeps {', '.join(sorted(names))} secret, and a schedule's arguments can be read. Have "
            "the task look the value up by an id."
        )


class NotPublic(InvalidInput):
    """Raised for a task that the API does not submit."""

    code = "not_public"

    def __init__(self, *, task: str) -> None:
        super().__init__(
            f"{task} is not public: only the command line makes schedules for it "
            "(groundwork schedules create)."
        )


class TooFar(InvalidPeriod):
    """Raised for a moment that is a mistake and no plan."""

    def __init__(self, *, field: str, moment: datetime, days: int) -> None:
        super().__init__(f"{field}={moment.isoformat()} is not within {days} days of now. Give a nearer one.")
