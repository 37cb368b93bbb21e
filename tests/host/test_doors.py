"""What can be reached from outside, and what the files with secrets are open to."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest

from app.settings.config import Settings
from tests.host.machines import machines

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.host.machines import Machine

SSH, HTTP, HTTPS, REDIS, RABBITMQ, POSTGRESQL = 22, 80, 443, 6379, 5672, 5432
#: What listens for its host alone.
LOCAL = {name: Settings.model_fields[f"{name}_port"].default for name in ("api", "flower")}


def listening(host: Host) -> set[tuple[str, int]]:
    """Addresses and ports of TCP."""
    sockets = [line.split()[3].rpartition(":") for line in host.check_output("ss -Hltn").splitlines()]
    return {(address.strip("[]").partition("%")[0], int(port)) for address, _, port in sockets}


def is_loopback(address: str) -> bool:
    return address != "*" and ipaddress.ip_address(address).is_loopback


def expected_open(machine: Machine) -> set[int]:
    """A store is open only to other hosts that need it."""
    is_alone = len(machines()) == 1
    stores = set() if is_alone else {"redis": REDIS, "rabbitmq": RABBITMQ, "database": POSTGRESQL}.items()
    served = {HTTP, HTTPS} if "api" in machine.groups else set()
    return served | {port for group, port in stores if group in machine.groups}


def test_only_what_must_be_open_is(host: Host, machine: Machine) -> None:
    opened = {port for address, port in listening(host) if not is_loopback(address)}
    assert opened - {SSH} == expected_open(machine)


@pytest.mark.on("api")
def test_the_api_and_flower_listen_on_this_host_alone(host: Host, machine: Machine) -> None:
    on_loopback = {port for address, port in listening(host) if is_loopback(address)}
    running = {instance.service for instance in machine.instances}
    assert on_loopback & set(LOCAL.values()) == {port for name, port in LOCAL.items() if name in running}


@pytest.mark.on("api", "workers", "beat")
def test_settings_and_secrets_are_closed_to_others(host: Host) -> None:
    found = host.check_output("find /etc/groundwork -mindepth 1 -printf '%y %m %u %g %p\\n'").splitlines()
    files = [line.split(maxsplit=4) for line in found]
    assert {"/etc/groundwork/groundwork.env", "/etc/groundwork/credentials/secret_key"} <= {
        file[4] for file in files
    }
    for kind, mode, user, group, path in files:
        assert (user, group) == ("root", "groundwork"), path
        assert mode == {"d": "750", "f": "640"}[kind], path


@pytest.mark.on("api", "workers", "beat")
def test_no_secret_is_in_the_environment_or_on_a_command_line(host: Host) -> None:
    secrets = host.check_output("cat /etc/groundwork/credentials/*").split()
    assert secrets
    shown = host.check_output(
        "cat /etc/groundwork/groundwork.env; ps -eo args; cat /var/log/groundwork/*.log"
    )
    assert not [number for number, secret in enumerate(secrets) if secret in shown]
