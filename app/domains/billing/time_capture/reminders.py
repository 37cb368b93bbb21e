"""Reminds of time that was not recorded, and tells of a week: who needs it, once for each type and date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from app.domains.billing.telling import Occasion, Told, tell
from app.domains.billing.time_capture.issues.listing import count_open
from app.domains.billing.time_capture.slack import request_slack_messages
from app.domains.billing.time_capture.wording import counted, hours
from app.domains.billing.time_capture.wording import day as day_of
from app.domains.billing.time_capture.workloads import Workload, record_time, workloads
from app.domains.notifications.facts import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: What preferences are kept by.
TYPE = "time_entry_reminder"
WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_SATURDAY = 5


class ReminderType(StrEnum):
    """What somebody is reminded of."""

    END_OF_DAY = "end_of_day"
    MISSING_ENTRIES = "missing_entries"
    WEEKLY_SUMMARY = "weekly_summary"


@dataclass(frozen=True, kw_only=True)
class _Kind:
    at: time
    is_on: Callable[[date], bool]
    #: The date that a reminder of a day is about, and has its key by.
    about: Callable[[date], date]
    notices: Callable[[Session, Sequence[int], datetime], Iterable[Notice]]


def send_reminders(
    session: Session,
    *,
    now: datetime,
    commit: Checkpoint,
    types: Iterable[ReminderType] = tuple(ReminderType),
) -> Told:
    """Remind all who need it and whose hour has come; `commit` ends the transaction of each chunk."""
    told = [
        tell(session, _occasion(type_, _KINDS[type_], now=now), now=now, commit=commit) for type_ in types
    ]
    return Told(looked_at=sum(one.looked_at for one in told), sent=sum(one.sent for one in told))


def _occasion(type_: ReminderType, kind: _Kind, *, now: datetime) -> Occasion:
    return Occasion(
        at=kind.at,
        is_on=kind.is_on,
        whom=partial(record_time, now=now),
        key=lambda user_id, today: _key(type_, user_id, kind.about(today)),
        notices=kind.notices,
        carry=partial(request_slack_messages, now=now),
    )


def _key(type_: ReminderType, user_id: int, about: date) -> str:
    return f"time-entry-reminder:{type_}:{user_id}:{about.isoformat()}"


def _notice(type_: ReminderType, user_id: int, about: date, *, title: str, body: str) -> Notice:
    return Notice(
        key=_key(type_, user_id, about),
        user_id=user_id,
        type=TYPE,
        title=title,
        body=body,
        data={"reminder": type_, "date": about.isoformat()},
    )


def _is_workday(day: date) -> bool:
    return day.weekday() < _SATURDAY


def _is_monday(day: date) -> bool:
    return day.weekday() == 0


def _workday_before(day: date) -> date:
    return next(one for one in _before(day) if _is_workday(one))


def _before(day: date) -> Iterator[date]:
    """The days of a week, back from the one before `day`."""
    return (day - number * _DAY for number in range(1, WEEK.days + 1))


def _end_of_day(session: Session, user_ids: Sequence[int], here: datetime) -> Iterator[Notice]:
    today = here.date()
    worked = workloads(session, user_ids, first=today, last=today)
    for user_id in user_ids:
        if user_id not in worked:
            yield _notice(
                ReminderType.END_OF_DAY,
                user_id,
                today,
                title="You recorded no time today",
                body=f"There is no time entry of yours for {day_of(today)}. "
                "Add what you worked while you remember it.",
            )


def _missing_entries(session: Session, user_ids: Sequence[int], here: datetime) -> Iterator[Notice]:
    today = here.date()
    worked = workloads(session, user_ids, first=today - WEEK, last=today - _DAY)
    about = _workday_before(today)
    for user_id in user_ids:
        days = worked.get(user_id, Workload()).days
        if about not in days:
            missing = [day for day in _before(today) if _is_workday(day) and day not in days]
            listed = "\n".join(f"- {day_of(day)}" for day in reversed(missing))
            yield _notice(
                ReminderType.MISSING_ENTRIES,
                user_id,
                about,
                title=f"No time is recorded for {day_of(about)}",
                body=f"In the last week you recorded no time for:\n{listed}\nAdd what you worked.",
            )


def _weekly_summary(session: Session, user_ids: Sequence[int], here: datetime) -> Iterator[Notice]:
    today = here.date()
    monday = today - WEEK
    issues = count_open(session, user_ids)
    for user_id, load in sorted(workloads(session, user_ids, first=monday, last=today - _DAY).items()):
        yield _notice(
            ReminderType.WEEKLY_SUMMARY,
            user_id,
            monday,
            title=f"Your week: {hours(load.length)}",
            body="\n".join(_week(load, monday=monday, issues=issues.get(user_id, 0))),
        )


def _week(load: Workload, *, monday: date, issues: int) -> Iterator[str]:
    entries = counted(load.entries, one="entry", many="entries")
    yield f"In the week from {day_of(monday)}, you recorded {hours(load.length)} in {entries}."
    yield f"Billable: {hours(load.billable)}"
    yield f"Not decided yet: {counted(load.pending, one='entry', many='entries')}"
    yield f"Open issues: {issues}"


_KINDS = {
    ReminderType.END_OF_DAY: _Kind(
        at=time(17, 30), is_on=_is_workday, about=lambda today: today, notices=_end_of_day
    ),
    # In the morning, of the workday before.
    ReminderType.MISSING_ENTRIES: _Kind(
        at=time(9), is_on=_is_workday, about=_workday_before, notices=_missing_entries
    ),
    ReminderType.WEEKLY_SUMMARY: _Kind(
        at=time(9), is_on=_is_monday, about=lambda today: today - WEEK, notices=_weekly_summary
    ),
}
