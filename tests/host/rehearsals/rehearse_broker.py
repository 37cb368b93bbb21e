"""From one broker to the other and back while the service is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.rehearsals.load import Load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.rehearsals.host import Host

BROKERS = {"redis": "redis-server@groundwork", "rabbitmq": "rabbitmq-groundwork"}
CREDENTIAL = "/etc/groundwork/credentials/broker_url"


@pytest.fixture
def switchable(host: Host) -> Iterator[Host]:
    """The host, which has Redis again afterwards."""
    yield host
    if host.broker != "redis":
        host.broker = "redis"
        host.deploy(host.base).succeed()


def switch(host: Host, broker: str) -> None:
    host.broker = broker
    host.deploy(host.base).succeed()
    assert host.container.succeeds("test", "-e", CREDENTIAL) == (broker == "rabbitmq")


def test_from_redis_to_rabbitmq_and_back_loses_no_job_and_runs_none_twice(switchable: Host) -> None:
    host = switchable
    with Load(host.container.address, host.service.token, requests_per_second=40, nappers=4) as load:
        load.wait_for_requests(200)
        switch(host, "rabbitmq")
        load.wait_for_requests(200)
        # What is to have gone over must not be found in the old one by chance.
        host.container.run("systemctl", "stop", BROKERS["redis"])
        load.wait_for_requests(400)
        host.container.run("systemctl", "start", BROKERS["redis"])
        switch(host, "redis")
        load.wait_for_requests(200)
    assert not load.tally.failures, "\n".join(load.tally.failures[:20])
    host.service.refuse_faults(load.tally.accepted)


def test_a_deploy_to_rabbitmq_that_fails_goes_back_to_redis(switchable: Host) -> None:
    host = switchable
    host.broker = "rabbitmq"
    host.set({"groundwork_secrets": {"broker_url": "amqp://groundwork:wrong@127.0.0.1:5672/groundwork"}})
    assert host.deploy(host.base).wait() != 0
    assert not host.container.succeeds("test", "-e", CREDENTIAL)
    assert host.container.succeeds("groundwork", "smoke", "--timeout", "60")
    host.set({})
