"""Logs are where they are said to be, one JSON object a line, and do not grow without end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.host.machines import Instance, Machine

#: Flower logs as it likes.
FREE = {"flower"}


def test_the_log_is_one_object_a_line(host: Host, instance: Instance) -> None:
    log = host.file(str(instance.log))
    lines = log.content_string.splitlines()
    assert lines, f"{instance.log} is empty"
    if instance.service in FREE:
        return
    for line in lines:
        assert {"event", "level", "timestamp"} <= json.loads(line).keys(), line


def test_the_log_is_closed_to_others(host: Host, instance: Instance) -> None:
    log = host.file(str(instance.log))
    assert (log.user, log.group) == ("groundwork", "groundwork")
    assert log.mode & 0o007 == 0


def test_all_logs_are_rotated(host: Host, machine: Machine) -> None:
    done = host.run("logrotate --debug /etc/logrotate.conf")
    assert done.rc == 0, done.stderr
    assert "error:" not in done.stderr
    written = [f"/var/log/{name}" for name in logs_of(machine)]
    assert not [log for log in written if f"considering log {log}" not in done.stderr]


def logs_of(machine: Machine) -> list[str]:
    """A log of each service that has one, below /var/log."""
    own = [str(instance.log).removeprefix("/var/log/") for instance in machine.instances]
    proxy = ["nginx-groundwork/access.log"] if "api" in machine.groups else []
    store = ["redis-groundwork/redis.log"] if "redis" in machine.groups else []
    broker = ["rabbitmq-groundwork/rabbitmq.log"] if "rabbitmq" in machine.groups else []
    return own + proxy + store + broker


@pytest.mark.systemd
def test_logs_are_looked_at_by_themselves(host: Host) -> None:
    assert host.service("logrotate.timer").is_running
    assert host.service("logrotate.timer").is_enabled
