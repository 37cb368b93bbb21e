"""RabbitMQ as a deploy sets it up: what the service is told of it, and what of others is in its way."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from ansible.module_utils.groundwork.ownership import rabbitmq_nodes

from app.settings.time_limits import MAX_TIME_LIMITS
from tests.ansible.preflight import plugin
from tests.ansible.roles import render
from tests.ansible.test_wiring import ADDRESSES, FLEET, IPV6_ADDRESSES, SECRETS, ports, unmet, wired

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WITH_RABBITMQ = {("rabbitmq" if group == "redis" else group): hosts for group, hosts in FLEET.items()}
PASSWORD = quote(SECRETS["rabbitmq_password"], safe="")
LIMIT_SECONDS = 600
HASH = plugin("filter_plugins/rabbitmq_hash.py", role="rabbitmq")


#: By their form, the names that the service has in RabbitMQ, and some that it has not.
OURS = (
    "shop:work", "shop:default.high", "shop:dead-letters", "shop:celeryev.0c2a", "shop:celery.pidbox",
    "standard@app1.shop:celery.pidbox", "reply.shop:celery.pidbox", "0c2a.reply.shop:celery.pidbox",
)  # fmt: skip
OF_OTHERS = (
    "groundwork:work",
    "shopping",
    "xshop:work",
    "amq.topic",
    "celery.pidbox",
    "a.workshop:celery.pidbox",
)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One with the stores, two with the service, whose tasks have a limit of their own."""
    settings = {"task_time_limit_seconds": LIMIT_SECONDS, "redis_prefix": "shop:"}
    folder = tmp_path_factory.mktemp("fleet")
    return wired(folder, WITH_RABBITMQ, addresses=ADDRESSES, groundwork_settings=settings)


def test_the_service_finds_rabbitmq_and_is_told_of_no_redis(fleet: Mapping[str, Any]) -> None:
    for name in ("app1", "app2"):
        secrets = fleet[name]["groundwork_base_secrets"]
        assert secrets["broker_url"] == f"amqp://groundwork:{PASSWORD}@10.0.0.1:5672/groundwork"
        assert secrets["redis_url"] == ""
        assert unmet(fleet[name]) == []


def test_other_hosts_reach_rabbitmq_and_nothing_else_of_it(fleet: Mapping[str, Any]) -> None:
    assert fleet["store"]["rabbitmq_bind"] == ["127.0.0.1", "10.0.0.1"]
    taken = {name: port for name, port in ports(fleet["store"]).items() if name.startswith("rabbitmq")}
    assert taken == {
        "rabbitmq_port": "5672",
        "rabbitmq_distribution_port": "25672",
        "rabbitmq_epmd_port": "4370",
    }
    assert "/var/log/rabbitmq-groundwork/" in fleet["store"]["logrotate_expected"]
    assert not [name for name in ports(fleet["app1"]) if name.startswith("rabbitmq")]


def test_who_needs_the_password_is_asked_for_it(fleet: Mapping[str, Any]) -> None:
    assert all("rabbitmq_password" in host["host_secrets"] for host in fleet.values())
    assert not [name for host in fleet.values() for name in host["host_secrets"] if name.startswith("redis")]


def test_one_prefix_is_for_rabbitmq_and_the_service(fleet: Mapping[str, Any], tmp_path: Path) -> None:
    render(
        "rabbitmq",
        "etc/rabbitmq-groundwork/definitions.json.j2",
        to=tmp_path / "definitions.json",
        rabbitmq_prefix=fleet["store"]["rabbitmq_prefix"],
        rabbitmq_password=SECRETS["rabbitmq_password"],
    )
    (permission,) = json.loads((tmp_path / "definitions.json").read_text())["permissions"]
    allowed = re.compile(permission["configure"])
    assert all(map(allowed.fullmatch, OURS))
    assert not [name for name in OF_OTHERS if allowed.search(name)]


def test_no_message_is_taken_away_under_a_task(fleet: Mapping[str, Any]) -> None:
    waits = int(fleet["store"]["rabbitmq_consumer_timeout_seconds"])
    assert waits == MAX_TIME_LIMITS * LIMIT_SECONDS


def test_the_service_takes_where_it_is_from_the_host_that_has_it(tmp_path: Path) -> None:
    of_store = {
        "rabbitmq_port": 5700,
        "rabbitmq_tls": True,
        "rabbitmq_user": "shop",
        "rabbitmq_vhost": "jobs",
    }
    found = wired(tmp_path, WITH_RABBITMQ, addresses=IPV6_ADDRESSES, of_hosts={"store": of_store})
    url = found["app1"]["groundwork_base_secrets"]["broker_url"]
    assert url == f"amqps://shop:{PASSWORD}@[fd00::1]:5700/jobs"


def test_a_broker_elsewhere_needs_no_group(tmp_path: Path) -> None:
    groups = {group: hosts for group, hosts in FLEET.items() if group != "redis"}
    elsewhere = {"broker_url": "amqps://u:p@mq.example.org/g"}
    host = wired(tmp_path, groups, groundwork_secrets=elsewhere)["app1"]
    assert host["host_external"] == ["redis"]
    assert host["groundwork_base_secrets"]["broker_url"] == ""


#: What the manual of RabbitMQ computes by hand, for a password and a salt.
IN_THE_MANUAL = ("test12", "908dc60a", "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR")


def test_a_password_is_hashed_as_rabbitmq_does() -> None:
    password, salt, hashed = IN_THE_MANUAL
    assert HASH.salted(password, salt=bytes.fromhex(salt)) == hashed


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[int]:
    """The port of a program that is called as the virtual machine of RabbitMQ is."""
    program = tmp_path / rabbitmq_nodes.PROGRAM
    program.symlink_to(sys.executable)
    listen = "import socket, sys; held = socket.create_server(('127.0.0.1', 0)); "
    listen += "print(held.getsockname()[1], flush=True); sys.stdin.read()"
    started = subprocess.Popen(
        [program, "-c", listen], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert started.stdout
        yield int(started.stdout.readline())
    finally:
        started.communicate()


def test_a_rabbitmq_of_others_is_named(theirs: int) -> None:
    (said,) = rabbitmq_nodes.foreign(theirs)
    assert said.startswith(f"A RabbitMQ on port {theirs} (process ")


def test_what_is_no_rabbitmq_is_left_to_those_who_look_at_ports(theirs: int) -> None:
    assert rabbitmq_nodes.foreign(theirs + 1) == []


@pytest.mark.parametrize(
    ("written", "listens"),
    [
        ({}, {5672}),
        ({"rabbitmq.conf": "# listeners.tcp.default = 1\nlisteners.tcp.1 = 127.0.0.1:5680\n"}, {5680}),
        ({"conf.d/a.conf": "listeners.ssl.default = 5671\nlisteners.tcp.2 = ::1:5673\n"}, {5671, 5673}),
    ],
)
def test_one_that_does_not_run_says_where_it_will_listen(
    written: dict[str, str], listens: set[int], tmp_path: Path
) -> None:
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert rabbitmq_nodes.configured_ports(tmp_path) == listens
