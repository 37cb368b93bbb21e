"""Our RabbitMQ goes as a whole and alone; beside one of others it is refused their port, and takes another.

`scripts/test host rabbitmq` runs these in their order, after the tests of every host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.host import stores
from tests.host.machines import machines
from tests.host.scenario import play

if TYPE_CHECKING:
    from testinfra.host import Host

#: All that has our node's name on it.
OURS = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /tmp -o -path /var/tmp \) -prune \
    -o -name '*rabbitmq*groundwork*' -print -o -name '*groundwork*rabbitmq*' -print
systemctl list-units --plain --no-legend 'rabbitmq-groundwork*'
"""
DATA = ["/var/lib/rabbitmq-groundwork", "/var/log/rabbitmq-groundwork"]
PACKAGE = "dpkg-query --show --showformat='${db:Status-Status}' rabbitmq-server"
#: Somebody takes Debian's own into use.
THEIRS = """
apt-get install --assume-yes --no-install-recommends rabbitmq-server
systemctl start rabbitmq-server
rabbitmqctl await_startup && rabbitmqctl add_vhost shop
"""
STATE_OF_THEIRS = (
    "systemctl show --value --property MainPID rabbitmq-server; rabbitmqctl -q list_vhosts | sort"
)
BESIDE = ("rabbitmq_port=5680", "rabbitmq_distribution_port=25680", "rabbitmq_epmd_port=4380")


@pytest.fixture(scope="module")
def host() -> Host:
    """The host of the scenario."""
    (machine,) = machines()
    return machine.host


def ours(host: Host) -> list[str]:
    return sorted(str(host.check_output(OURS)).splitlines())


def test_an_uninstall_leaves_the_data(host: Host) -> None:
    play("uninstall.yml").succeed()
    assert ours(host) == DATA
    assert host.run(PACKAGE).stdout == "installed"


def test_a_purge_takes_the_data_and_the_packages(host: Host) -> None:
    play("uninstall.yml", "groundwork_purge=true").succeed()
    assert ours(host) == []
    assert host.run(PACKAGE).stdout != "installed"
    assert host.run("dpkg-query --list 'erlang-*' | grep ^ii").stdout == ""


def test_a_rabbitmq_of_others_is_named_before_any_change_and_left_alone(host: Host) -> None:
    host.check_output(THEIRS)
    before = host.check_output(STATE_OF_THEIRS)
    refused = play("deploy.yml")
    assert refused.wait() != 0
    said = " ".join(refused.output.split())
    assert re.search(
        r"A RabbitMQ on port 5672 \(process \d+\) is not ours. Give rabbitmq_port .*as 5673", said
    )
    assert ours(host) == []
    play("deploy.yml", *BESIDE).succeed()
    assert host.service(stores.RABBITMQ).is_running
    assert host.check_output(STATE_OF_THEIRS) == before
    play("uninstall.yml", "groundwork_purge=true").succeed()
    assert host.check_output(STATE_OF_THEIRS) == before
