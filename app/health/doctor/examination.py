"""Looks at everything the service stands on and says, for each fault, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.health.doctor import (
    backup,
    certificates,
    database,
    deliveries,
    files,
    fleet,
    host,
    jobs,
    messages,
    mirror,
    rabbitmq_server,
    redis_server,
)
from app.health.doctor.carrying_out import carry_out
from app.health.doctor.finding import Finding, Level
from app.jobs.broker.current import broker
from app.packages import modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """Checks that make sense only while the first of them finds no problem."""

    first: Callable[[], Finding]
    rest: tuple[Callable[[], Finding] | Chapter, ...]


LEDGER = Chapter(
    first=database.migrations_are_current,
    rest=(
        fleet.jobs_wait_in_known_queues,
        fleet.workers_are_alive,
        fleet.workers_renew_their_leases,
        fleet.releases_agree,
        fleet.beat_is_alive,
        fleet.schedules_can_fire,
        fleet.schedules_fire,
        fleet.no_job_is_overdue,
        jobs.rows_can_be_read,
        jobs.no_queue_is_paused,
        jobs.no_job_is_dead,
        deliveries.no_delivery_is_stuck,
        deliveries.no_delivery_is_uncertain,
        mirror.results_are_mirrored,
        *(check for module in modules("doctor") for check in module.CHECKS),
    ),
)
DATABASE = Chapter(
    first=database.database_answers, rest=(database.database_suits, database.clocks_agree, LEDGER)
)
MESSAGES = (messages.queues_hold_no_garbage, messages.messages_can_be_read)
REDIS = Chapter(
    first=redis_server.redis_answers,
    rest=(
        redis_server.writes_are_kept,
        redis_server.nothing_is_evicted,
        redis_server.memory_has_room,
        redis_server.memory_may_be_overcommitted,
        *MESSAGES,
    ),
)
RABBITMQ = Chapter(
    first=rabbitmq_server.rabbitmq_answers,
    rest=(rabbitmq_server.rabbitmq_takes_messages, rabbitmq_server.queues_are_ours, *MESSAGES),
)
FLEET = Chapter(first=fleet.tasks_can_be_imported, rest=(fleet.queues_are_drained,))
BROKERS = {"redis": REDIS, "rabbitmq": RABBITMQ}


def examine() -> list[Finding]:
    """Every finding, in the order in which faults should be mended."""
    opening = carry_out(host.settings_are_usable)
    if opening.level is Level.PROBLEM:
        # Without them nobody knows which broker it is.
        return [opening]
    parts = (
        host.settings_are_private,
        host.disk_has_room,
        files.files_can_be_kept,
        files.links_lead_to_the_api,
        backup.backup_is_recent,
        certificates.certificates_last,
        FLEET,
        BROKERS[broker().kind],
        DATABASE,
    )
    return [opening, *(finding for part in parts for finding in _examine(part))]


def _examine(part: Chapter | Callable[[], Finding]) -> Iterator[Finding]:
    if not isinstance(part, Chapter):
        yield carry_out(part)
        return
    opening = carry_out(part.first)
    yield opening
    if opening.level is not Level.PROBLEM:
        for further in part.rest:
            yield from _examine(further)
