"""RabbitMQ lets in the service alone, which may do no more there than it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host import stores
from tests.servers import wait_until

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = [pytest.mark.on("rabbitmq"), pytest.mark.systemd]

LOG = "/var/log/rabbitmq-groundwork/rabbitmq.log"
FOLDERS = "/etc/rabbitmq-groundwork /var/lib/rabbitmq-groundwork /var/log/rabbitmq-groundwork"
VHOST = "groundwork"
#: Ports of loopback: AMQP, what the node's own commands reach it by, and its port mapper.
LOCAL_PORTS = {5672, 25672, 4370}
#: As the service or as somebody else: says a word of AMQP, and prints what came of it.
ASK = """
import pathlib, sys, urllib.parse
import amqp
user, vhost, word, name = sys.argv[1:]
url = urllib.parse.urlsplit(pathlib.Path("/etc/groundwork/credentials/broker_url").read_text().strip())
password = urllib.parse.unquote(url.password) if user == "groundwork" else user
try:
    place = f"{url.hostname}:{url.port}"
    connection = amqp.Connection(place, user, password, virtual_host=vhost, connect_timeout=5)
    connection.connect()
    channel = connection.channel()
    if word == "declare":
        channel.queue_declare(name, auto_delete=True)
    if word == "publish":
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message("x"), exchange=name, routing_key="x")
    print("done")
except (amqp.exceptions.AMQPError, OSError) as error:
    print(type(error).__name__, error)
"""


def asked(host: Host, word: str, name: str = "", *, user: str = "groundwork", vhost: str = VHOST) -> str:
    python = "/opt/groundwork/current/venv/bin/python"
    return str(host.check_output(f"{python} -c %s %s %s %s %s", ASK, user, vhost, word, name))


def told(host: Host, *command: str) -> list[str]:
    """What the node tells root, a row a line."""
    words = " ".join(["%s"] * len(command))
    said = host.check_output(
        f"groundwork-rabbitmqctl --quiet {words} --no-table-headers </dev/null", *command
    )
    return str(said).splitlines()


def main_pid(host: Host) -> str:
    return str(host.check_output("systemctl show --value --property MainPID %s", stores.RABBITMQ))


def test_the_service_reaches_rabbitmq(host: Host) -> None:
    assert asked(host, "declare", "groundwork:from-a-test") == "done"


@pytest.mark.parametrize(
    ("word", "name"),
    [("declare", "a-queue-of-somebody-else"), ("publish", "amq.topic"), ("publish", "amq.fanout")],
)
def test_the_service_may_not(host: Host, word: str, name: str) -> None:
    assert "AccessRefused" in asked(host, word, name)


@pytest.mark.parametrize("user", ["guest", "rabbitmq", ""])
def test_nobody_else_is_let_in(host: Host, user: str) -> None:
    assert "AccessRefused" in asked(host, "connect", user=user)


def test_there_is_one_user_and_one_virtual_host(host: Host) -> None:
    assert told(host, "list_users") == ["groundwork\t[]"]
    assert told(host, "list_vhosts") == [VHOST]
    assert "NotAllowed" in asked(host, "connect", vhost="/")


def test_the_password_is_in_no_file_of_the_node(host: Host) -> None:
    # Read there: what is on a command line is in the journal.
    password = "sed 's,.*://groundwork:,,; s,@.*,,' /etc/groundwork/credentials/broker_url"
    assert int(host.check_output(f"{password} | wc -c")) > 32
    assert host.run(f"{password} | grep -rlFf - {FOLDERS}").stdout == ""
    assert host.check_output(f"find {FOLDERS} -perm /007") == ""


def test_the_node_and_its_port_mapper_listen_on_loopback_alone(host: Host) -> None:
    sockets = [line.split()[3].rpartition(":") for line in host.check_output("ss -Hltn").splitlines()]
    listening = {(address.strip("[]"), int(port)) for address, _, port in sockets}
    assert {port for _, port in listening} >= LOCAL_PORTS
    assert {address for address, port in listening if port in LOCAL_PORTS - {5672}} <= {"127.0.0.1", "::1"}


def test_nothing_that_came_with_the_packages_starts_at_boot(host: Host) -> None:
    for unit in ("rabbitmq-server.service", "epmd.socket", "epmd.service"):
        assert host.run("systemctl is-enabled %s", unit).stdout.strip() == "disabled", unit


def test_the_limits_are_in_force(host: Host) -> None:
    said = host.check_output("groundwork-rabbitmqctl --quiet environment </dev/null")
    for limit in ("{consumer_timeout,7200000}", "{connection_max,2048}", '{disk_free_limit,"1024MiB"}'):
        assert limit in said
    assert "{vm_memory_high_watermark,{absolute," in said


def test_the_log_goes_on_after_a_rotation(host: Host) -> None:
    host.check_output("logrotate --force --state /dev/null /etc/logrotate.d/groundwork-rabbitmq")
    assert host.file(f"{LOG}.1").exists
    asked(host, "connect")
    wait_until(
        lambda: host.file(LOG).exists and "user 'groundwork'" in host.file(LOG).content_string,
        seconds=20,
        what="it is written anew",
    )


def test_rabbitmq_comes_back_when_it_is_killed_and_after_a_boot(host: Host) -> None:
    assert host.service(stores.RABBITMQ).is_enabled
    before = main_pid(host)
    host.check_output("kill -KILL %s", before)
    wait_until(lambda: main_pid(host) not in {"0", before}, seconds=60, what="another process serves")
    wait_until(lambda: asked(host, "connect") == "done", seconds=60, what="RabbitMQ answers")
