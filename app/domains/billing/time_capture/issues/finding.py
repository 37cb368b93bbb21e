"""What can be wrong with entries, as rules over those of one user; a tenant's are looked at by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from app.domains.billing.time_capture.models import EntryState, IssueKind
from app.domains.billing.time_capture.wording import hours
from app.values.text import has_visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from app.domains.billing.time_capture.worked import Worked

MAX_LENGTH = timedelta(hours=8)
MAX_GAP = timedelta(minutes=30)
#: What is found here; issues of other kinds come from elsewhere.
KINDS = (IssueKind.OVERLAP, IssueKind.TOO_LONG, IssueKind.GAP, IssueKind.NO_DESCRIPTION)
#: An entry that ends at midnight ends on the day before it.
_TICK = timedelta(microseconds=1)


class Name(NamedTuple):
    """What tells an open issue from others."""

    entry_id: int
    kind: str
    #: The other entry of an overlap or a gap; empty otherwise.
    key: str = ""


class Found(NamedTuple):
    """Something wrong with an entry."""

    name: Name
    sentence: str
    ended_at: datetime


def find_issues(entries: Iterable[Worked]) -> Iterator[Found]:
    """What is wrong with entries that come in the order in which they began.

    Each is compared with the one before it that ended last, so that a thousand at the same time have a
    thousand issues and not a million. Of a billed entry nothing is said: nobody can mend it.
    """
    before: dict[int, Worked] = {}
    for worked in entries:
        yield from _alone(worked)
        if not worked.entry.length:
            continue
        last = before.get(worked.tenant_id)
        if last is not None:
            yield from _between(last, worked)
        if last is None or worked.entry.end > last.entry.end:
            before[worked.tenant_id] = worked


def _alone(worked: Worked) -> Iterator[Found]:
    entry = worked.entry
    if worked.state == EntryState.BILLED:
        return
    if entry.length > MAX_LENGTH:
        yield _found(
            worked,
            IssueKind.TOO_LONG,
            f"It took {hours(entry.length)}, which is more than {MAX_LENGTH // timedelta(hours=1)} hours: "
            "check when it ended, or split it.",
        )
    if not has_visible(worked.description):
        yield _found(worked, IssueKind.NO_DESCRIPTION, "It does not say what was done: describe it.")


def _between(before: Worked, worked: Worked) -> Iterator[Found]:
    overlap = min(before.entry.end, worked.entry.end) - worked.entry.start
    if overlap > timedelta():
        yield from _overlap(before, worked, overlap)
    elif -overlap > MAX_GAP and worked.state != EntryState.BILLED and _on_one_day(before, worked):
        yield _found(
            worked,
            IssueKind.GAP,
            f"Between entry {before.entry.id} and this one, nothing was recorded for {hours(-overlap)}: "
            "add what was worked, if anything.",
            key=str(before.entry.id),
        )


def _overlap(before: Worked, worked: Worked, overlap: timedelta) -> Iterator[Found]:
    # The later one is to be changed, unless that is not possible any more.
    changeable = [one for one in (worked, before) if one.state != EntryState.BILLED]
    if changeable:
        one = changeable[0]
        other = before if one is worked else worked
        yield _found(
            one,
            IssueKind.OVERLAP,
            f"It overlaps with entry {other.entry.id} by {hours(overlap)}: change the times of one of them.",
            key=str(other.entry.id),
        )


def _on_one_day(before: Worked, worked: Worked) -> bool:
    zone = ZoneInfo(worked.entry.timezone)
    return (before.entry.end - _TICK).astimezone(zone).date() == worked.entry.day_in(zone)


def _found(worked: Worked, kind: IssueKind, sentence: str, *, key: str = "") -> Found:
    return Found(Name(worked.entry.id, kind, key), sentence, worked.entry.end)
