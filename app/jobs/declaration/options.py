"""What a job may be sent with beside its arguments: each option is read and checked before there is a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from numbers import Real
from operator import index
from typing import TYPE_CHECKING, Any

from app.jobs.errors import InvalidOption
from app.jobs.ledger.names import MAX_ID, is_name
from app.settings.config import settings
from app.settings.time_limits import MAX_TIME_LIMITS
from app.topology import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Beyond this, forward or back, a time is a mistake (milliseconds, a moment since 1970) and no plan.
HORIZON = timedelta(days=366)
PRIORITIES = range(min(Priority), max(Priority) + 1)
MAX_KEY = 1_000
_WHEN = (
    f"give a number of seconds from now, a timedelta, or a datetime or its ISO 8601 text, "
    f"within {HORIZON.days} days of now"
)
_SECONDS = f"give a number of seconds or a timedelta, of at most {HORIZON.days} days"
_MOMENT = f"give a datetime or its ISO 8601 text, within {HORIZON.days} days of now"


@dataclass(frozen=True, kw_only=True)
class When:
    """A moment, or so many seconds after the job is accepted; nothing at all when both are None."""

    moment: datetime | None = None
    seconds: float | None = None


NEVER = When()


def expiry(value: Any, *, task: str) -> When:
    """What `expires` means. One in the past is taken, as by Celery: the job is cancelled as expired."""
    if value is None:
        return NEVER
    if isinstance(value, datetime | str):
        return When(moment=_moment_in(value, task=task, option="expires", wanted=_WHEN))
    return When(seconds=_seconds_in(value, task=task, option="expires", wanted=_WHEN))


def eta(value: Any, *, task: str) -> datetime | None:
    """When a job is due; a moment in the past means now. One without a zone is in UTC, Celery's own."""
    if value is None:
        return None
    return _moment_in(value, task=task, option="eta", wanted=_MOMENT)


def countdown(value: Any, *, task: str) -> float:
    """In how many seconds a job is due; fewer than none mean now, as they do to Celery."""
    if value is None:
        return 0.0
    return max(_seconds_in(value, task=task, option="countdown", wanted=_SECONDS), 0.0)


def priority(value: Any, *, task: str) -> int:
    """A number that one of the broker's lists stands for."""
    try:
        number = -1 if isinstance(value, bool) else index(value)
    except TypeError:
        number = -1
    if number not in PRIORITIES:
        names = ", ".join(f"{step.value} {step.name.lower()}" for step in Priority)
        wanted = f"give a whole number from {PRIORITIES[0]} to {PRIORITIES[-1]} ({names})"
        raise InvalidOption(task=task, option="priority", value=value, wanted=wanted)
    return number


def time_limit(value: Any, *, task: str, option: str = "time_limit") -> float | None:
    """How many seconds a job may take; None and 0 leave it to the task."""
    if value is None or (value == 0 and not isinstance(value, bool)):
        return None
    most = _max_seconds()
    if type(value) is int and 0 < value <= most:
        return float(value)
    wanted = f"give a number of seconds above 0 and up to {most}"
    seconds = _number(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds is None or not 0 < seconds <= most:
        raise InvalidOption(task=task, option=option, value=value, wanted=wanted)
    return seconds


def check_names(*, task_id: Any, key: Any, group_id: Any, task: str) -> None:
    """Raise unless each is a text that the databases can hold and find again, where it is given at all."""
    for option, name, most in (
        ("task_id", task_id, MAX_ID),
        ("key", key, MAX_KEY),
        ("group_id", group_id, MAX_ID),
    ):
        if name is not None and not is_name(name, most=most):
            wanted = f"give a text of 1 to {most} characters without NUL and halves of surrogate pairs"
            raise InvalidOption(task=task, option=option, value=name, wanted=wanted)


def check_times(*, run_at: datetime | None, expires_at: datetime | None, task: str) -> None:
    """Raise unless both moments lie within the horizon."""
    for option, moment in (("run_at", run_at), ("expires_at", expires_at)):
        if moment is not None:
            _moment_in(moment, task=task, option=option, wanted=_MOMENT)


def check(options: Mapping[str, Any], *, task: str) -> None:
    """Raise for what a signature that is sent later could not be sent with."""
    expiry(options.get("expires"), task=task)
    eta(options.get("eta"), task=task)
    countdown(options.get("countdown"), task=task)
    time_limit(options.get("time_limit"), task=task)
    time_limit(options.get("soft_time_limit"), task=task, option="soft_time_limit")
    if options.get("priority") is not None:
        priority(options["priority"], task=task)


def of_message(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a message that is there already, whoever sent it: what is out of range is brought back.

    The worker has taken the message as it is by then, and seen to it that its job had not expired.
    """
    found, expires = dict(options), _moment(options.get("expires"))
    found["expires"] = expires if expires is not None and is_near(expires) else None
    if isinstance(found.get("priority"), int | float):
        found["priority"] = int(min(max(found["priority"], PRIORITIES[0]), PRIORITIES[-1]))
    for limit in ("time_limit", "soft_time_limit"):
        if isinstance(found.get(limit), int | float):
            found[limit] = min(found[limit], _max_seconds())
    return found


def is_near(moment: datetime) -> bool:
    """Whether a moment lies within the horizon."""
    return abs(moment - datetime.now(UTC)) <= HORIZON


def _max_seconds() -> int:
    return MAX_TIME_LIMITS * settings().task_time_limit_seconds


def _moment_in(value: Any, *, task: str, option: str, wanted: str) -> datetime:
    moment = _moment(value)
    if moment is None or not is_near(moment):
        raise InvalidOption(task=task, option=option, value=value, wanted=wanted)
    return moment


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None  # no time at all, or one whose year in UTC is 0 or 10000


def _seconds_in(value: Any, *, task: str, option: str, wanted: str) -> float:
    seconds = _number(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds is None or abs(seconds) > HORIZON.total_seconds():
        raise InvalidOption(task=task, option=option, value=value, wanted=wanted)
    return seconds


def _number(value: Any) -> float | None:
    """A finite number; None for anything else, truth values among it."""
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None
