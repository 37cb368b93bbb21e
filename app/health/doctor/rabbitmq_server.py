"""Checks of RabbitMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.health.doctor.finding import Finding
from app.jobs.broker.current import broker
from app.jobs.broker.lists import all_lists
from app.logs.failures import explain, first_line

if TYPE_CHECKING:
    from app.jobs.broker.rabbitmq.broker import RabbitMqBroker

ABOUT = "broker"
#: That of Debian 12; older ones have no delivery limit and other quorum queues.
OLDEST = (3, 10)


def rabbitmq_answers() -> Finding:
    """Whether RabbitMQ is there and lets us in."""
    try:
        version = _rabbitmq().version()
    except broker().failures as error:
        failure = explain(error)
        return Finding.problem(
            ABOUT,
            failure.sentence if failure else f"{broker().place} does not answer: {first_line(error)}.",
            fix="Start it (systemctl start rabbitmq-groundwork), or correct GROUNDWORK_BROKER_URL.",
        )
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        return Finding.problem(
            ABOUT,
            f"RabbitMQ {version} at {broker().place} is older than 3.10.",
            fix="Install that of Debian 12, or a newer one.",
        )
    return Finding.ok(ABOUT, f"RabbitMQ {version} answers at {broker().place.removeprefix('RabbitMQ ')}.")


def rabbitmq_takes_messages() -> Finding:
    """Whether it has room: short of memory or of disk, it reads nothing that is sent."""
    try:
        _rabbitmq().check_room()
    except broker().failures as error:
        return Finding.problem(
            ABOUT,
            f"{broker().place} takes no messages: {first_line(error)}.",
            fix="Make room (groundwork-rabbitmqctl status tells why); jobs wait in the ledger meanwhile.",
        )
    return Finding.ok(ABOUT, "RabbitMQ takes messages.")


def queues_are_ours() -> Finding:
    """Whether its queues have the arguments that this release gives them."""
    try:
        broker().lengths(all_lists())
    except broker().failures as error:
        return Finding.problem(
            ABOUT,
            f"The queues in {broker().place} cannot be used: {first_line(error)}.",
            fix="Delete the queue that is named once it is empty; it is declared anew.",
        )
    return Finding.ok(ABOUT, "The queues of RabbitMQ are as this release declares them.")


def _rabbitmq() -> RabbitMqBroker:
    return cast("RabbitMqBroker", broker())
