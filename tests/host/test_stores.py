"""Redis and PostgreSQL keep what they are given, and the service may do no more in Redis than it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host import stores
from tests.servers import wait_until

if TYPE_CHECKING:
    from testinfra.host import Host

#: Runs a command of Redis and prints the answer or the refusal.
ASK = """
import pathlib, re, sys, redis
url = pathlib.Path("/etc/groundwork/credentials/redis_url").read_text().strip()
who, *command = sys.argv[1:]
if who == "nobody":
    url = re.sub("//[^@/]*@", "//", url)
try:
    print(redis.Redis.from_url(url).execute_command(*command))
except redis.exceptions.RedisError as error:
    print(type(error).__name__, error)
"""
#: What would lose jobs, show secrets, or stop the server for everybody.
FORBIDDEN = (
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "appendonly", "no"),
    ("SHUTDOWN", "NOSAVE"),
    ("ACL", "LIST"),
    ("SET", "a-key-of-somebody-else", "1"),
)


def asked(host: Host, *command: str, by: str = "the service") -> str:
    """What Redis answers on the service's own connection, or on one that says no name and no password."""
    words = " ".join(["%s"] * len(command))
    python = "/opt/groundwork/current/venv/bin/python"
    return str(host.check_output(f"{python} -c %s %s {words}", ASK, by, *command))


def setting_of_redis(host: Host, name: str) -> str:
    """As the operator of the host reads it: from the file that the server was started with."""
    lines = host.check_output("cat %s", stores.REDIS_CONFIGURATION).splitlines()
    values = [line.partition(" ")[2].strip().strip('"') for line in lines if line.split(" ")[0] == name]
    assert values, f"{name} is not set"
    return str(values[-1])


@pytest.mark.on("api", "workers", "beat")
@pytest.mark.with_group("redis")
def test_the_service_reaches_redis(host: Host) -> None:
    assert asked(host, "PING") == "True"


@pytest.mark.on("api", "workers", "beat")
@pytest.mark.with_group("redis")
@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
def test_the_service_may_not(host: Host, command: tuple[str, ...]) -> None:
    assert "NoPermissionError" in asked(host, *command)


@pytest.mark.on("api", "workers", "beat")
@pytest.mark.with_group("redis")
def test_redis_answers_nobody_without_a_password(host: Host) -> None:
    assert "Authentication" in asked(host, "PING", by="nobody")


@pytest.mark.on("redis")
def test_redis_keeps_what_it_accepted(host: Host) -> None:
    assert setting_of_redis(host, "appendonly") == "yes"
    assert setting_of_redis(host, "appendfsync") in {"everysec", "always"}
    assert setting_of_redis(host, "maxmemory-policy") == "noeviction"
    assert int(host.check_output("find %s -name '*.aof' | wc -l", stores.REDIS_DATA)) > 0


@pytest.mark.systemd
@pytest.mark.on("redis")
def test_redis_starts_at_boot(host: Host) -> None:
    assert host.service(stores.REDIS).is_running
    assert host.service(stores.REDIS).is_enabled


@pytest.mark.on("database")
def test_postgresql_waits_for_the_disk(host: Host) -> None:
    asked_for = "SELECT current_setting('fsync') || current_setting('full_page_writes')"
    assert stores.selected(host, asked_for) == ["onon"]


@pytest.mark.systemd
@pytest.mark.on("database")
def test_postgresql_comes_back_when_it_is_killed(host: Host) -> None:
    unit = stores.postgresql(host)
    before = main_pid(host, unit)
    host.check_output("kill -KILL %s", before)
    wait_until(lambda: main_pid(host, unit) not in {"0", before}, seconds=60, what="another process serves")
    wait_until(lambda: answers(host), seconds=60, what="PostgreSQL answers")


def main_pid(host: Host, unit: str) -> str:
    return str(host.check_output("systemctl show --value --property MainPID %s", unit))


def answers(host: Host) -> bool:
    return bool(host.run("pg_isready --cluster %s", stores.cluster(host)).rc == 0)
