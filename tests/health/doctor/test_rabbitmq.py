"""What the doctor says about RabbitMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.health.doctor.examination import RABBITMQ, _examine
from app.health.doctor.finding import Finding, Level
from tests.rabbit_server import channel_of
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rabbit_server import RabbitServer


@pytest.fixture(autouse=True)
def _on_rabbitmq(configure: Callable[..., None], rabbit_server: RabbitServer) -> None:
    rabbit_server.clear()
    configure(broker_url=rabbit_server.url)


def problems() -> list[Finding]:
    return [finding for finding in _examine(RABBITMQ) if finding.level is not Level.OK]


def test_a_rabbitmq_as_it_should_be_has_nothing_to_mend() -> None:
    assert problems() == []


def test_a_rabbitmq_that_is_away_is_a_problem_and_its_password_is_not_shown(
    configure: Callable[..., None],
) -> None:
    configure(broker_url=f"amqp://ann:hunter2@127.0.0.1:{free_port()}/v")
    [finding] = problems()
    assert "does not answer: [Errno 111] Connection refused" in finding.sentence
    assert "GROUNDWORK_BROKER_URL" in str(finding.fix)
    assert "hunter2" not in str(finding)


@pytest.mark.parametrize("url", ["amqp://ann:hunter2@{}/%2F", "amqp://guest:guest@{}/nowhere"])
def test_a_user_and_a_vhost_that_it_does_not_know_are_told_from_its_being_away(
    url: str, configure: Callable[..., None], rabbit_server: RabbitServer
) -> None:
    configure(broker_url=url.format(f"127.0.0.1:{rabbit_server.port}"))
    [finding] = problems()
    assert "does not let in the user of GROUNDWORK_BROKER_URL, or not into that vhost" in finding.sentence
    assert "hunter2" not in str(finding)


def test_a_rabbitmq_without_room_is_a_problem(rabbit_server: RabbitServer) -> None:
    rabbit_server.control("set_vm_memory_high_watermark", "0.000001")
    try:
        found = wait_until(problems, seconds=10, what="it takes nothing")
        assert "takes no messages: RabbitMQ takes nothing: it is short of memory" in found[0].sentence
    finally:
        rabbit_server.control("set_vm_memory_high_watermark", "0.9")
    wait_until(lambda: not problems(), seconds=10, what="it takes messages again")


def test_a_queue_that_somebody_else_declared_is_named(rabbit_server: RabbitServer) -> None:
    with channel_of(rabbit_server) as channel:
        channel.queue_declare("groundwork:audit", durable=True, auto_delete=False)
    [finding] = problems()
    assert "groundwork:audit" in finding.sentence
