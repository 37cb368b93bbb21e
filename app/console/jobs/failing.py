"""What fails, for the page of errors: the groups of a span, and the jobs of one of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from app.console.questions import answer, looking
from app.db.clock import now
from app.errors import NotFound
from app.jobs.chosen import Act, Chosen, choose_these
from app.jobs.statistics import failures, figures
from app.jobs.transitions.rollup import watermark
from app.jobs.web import permissions
from app.jobs.web.bundle import left_out_or, reader_for
from app.jobs.web.bundle_of_many import evidence_of_many
from app.jobs.web.evidence import AROUND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from app.tokens.callers import Caller


class NoSuchGroup(NotFound):
    """Raised for a fingerprint that nothing has which failed in the span."""

    code = "no_such_group"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was done: in this time nothing fails like that, or not any more. Look at the errors "
            "again."
        )


def readable(caller: Caller) -> frozenset[str] | None:
    """The tasks whose errors `caller` may read; None for all."""
    found = permissions.readable(caller)
    return None if found is None else frozenset(found)


def look(*, hours: int, task: str, readable: frozenset[str] | None) -> failures.Groups | None:
    """What failed in the last hours; None where that was cut off."""
    return answer(
        lambda session: failures.groups(
            session,
            begin=now(session) - timedelta(hours=hours),
            task=task or None,
            shows=shows_of(readable),
        )
    )


def dead_of(
    act: Act, fingerprint: str, *, span: timedelta, caller: Caller
) -> tuple[failures.Group, list[Chosen]]:
    """A group of the span until now, and those of its dead jobs that `caller` may change.

    Raises `NoSuchGroup` and `CutOff`.
    """
    shows = shows_of(readable(caller))
    with looking() as session:
        group, members = one_group(session, fingerprint, span=span, shows=shows)
        within = permissions.within_reach(caller)
        return group, choose_these(session, act, ids=sorted(members.dead), within=within)


def evidence_of_group(fingerprint: str, *, span: timedelta, caller: Caller) -> Iterator[bytes]:
    """All that is known of the jobs of a group as one document in parts, masked.

    Raises `NoSuchGroup` and `CutOff`.
    """
    with looking() as session:
        shows = shows_of(readable(caller))
        group, members = one_group(session, fingerprint, span=span, shows=shows)
        begin, end = group.first_seen_at - AROUND, group.last_seen_at + AROUND
    title = permissions.shown_error(group.title, task=group.task, caller=reader_for(caller))
    sections = {
        "group": asdict(group) | {"title": title},
        "statistics of its task": left_out_or(
            lambda session: asdict(
                figures.series(
                    session, counted_until=watermark(session), begin=begin, end=end, task=group.task
                )
            ),
            looking=looking,
        ),
    }
    about = f"what failed as {title} in {group.task}, within {span}"
    jobs = failures.newest([members])
    return evidence_of_many(about, jobs, sections=sections, looking=looking, caller=caller)


def one_group(
    session: Session, fingerprint: str, *, span: timedelta, shows: Callable[[str], bool]
) -> tuple[failures.Group, failures.Members]:
    """The group of the span until now with that fingerprint, and its jobs. Raises `NoSuchGroup`."""
    for group, members in failures.with_members(session, begin=now(session) - span, shows=shows):
        if group.fingerprint == fingerprint:
            return group, members
    raise NoSuchGroup


def shows_of(readable: frozenset[str] | None) -> Callable[[str], bool]:
    return lambda name: readable is None or name in readable
