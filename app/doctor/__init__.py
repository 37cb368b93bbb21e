"""Looks at everything the service stands on and says, for each fault, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.doctor import broker, database, fleet, host
from app.doctor.finding import Finding, Level
from app.failures import explain

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Finding", "Level", "examine"]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """Checks that make sense only while the first of them finds no problem."""

    first: Callable[[], Finding]
    rest: tuple[Callable[[], Finding], ...]


CHAPTERS = (
    Chapter(first=host.settings_are_usable, rest=(host.env_file_is_private, host.disk_has_room)),
    Chapter(
        first=broker.redis_answers,
        rest=(
            broker.writes_are_kept,
            broker.nothing_is_evicted,
            broker.memory_has_room,
            broker.memory_may_be_overcommitted,
        ),
    ),
    Chapter(
        first=database.database_answers,
        rest=(database.database_suits, database.migrations_are_current, database.clocks_agree),
    ),
    Chapter(first=fleet.tasks_can_be_imported, rest=(fleet.queues_are_drained,)),
    Chapter(
        first=fleet.jobs_wait_in_known_queues,
        rest=(
            fleet.workers_are_alive,
            fleet.releases_agree,
            fleet.beat_is_alive,
            fleet.schedules_have_tasks,
            fleet.schedules_fire,
            fleet.no_job_is_overdue,
        ),
    ),
)


def examine() -> list[Finding]:
    """Every finding, in the order in which faults should be mended."""
    findings = []
    for chapter in CHAPTERS:
        opening = _carry_out(chapter.first)
        findings.append(opening)
        if opening.level is not Level.PROBLEM:
            findings.extend(_carry_out(check) for check in chapter.rest)
    return findings


def _carry_out(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:
        failure = explain(error)
        if failure is None:
            raise
        return Finding.problem(check.__name__, failure.sentence)
