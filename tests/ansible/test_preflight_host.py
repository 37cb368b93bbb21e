"""What preflight says about a host: everything at once, in sentences."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
from ansible.module_utils import host_listeners

from tests.ansible.preflight import PROBE, SECRET, assert_said
from tests.ansible.roles import evaluated

FACTS = {
    "distribution": "Debian",
    "distribution_major_version": "12",
    "memtotal_mb": 2000,
    "python": {"version": {"major": 3, "minor": 11}},
    "service_mgr": "systemd",
    "systemd": {"version": 252},
}
PROBED = {
    "disk_free_mb": {"/opt": 10_000, "/var/lib": 10_000},
    "clock_skew_seconds": 0.4,
    "listeners": [{"port": 6379, "pid": 101, "process": "redis-server", "run_by": ["redis-server.service"]}],
}
ONE_HOST = {name: ["one"] for name in ("api", "workers", "beat", "redis", "database")}
INVENTORY: dict[str, Any] = {
    "host_secrets": {"redis_app_password": SECRET},
    "host_ports": [{"name": "redis_port", "port": 6379, "ours": ["redis-server.service"]}],
    "host_choices": [{"name": "pools", "given": ["bulk"], "known": ["standard", "bulk"], "kind": "pool"}],
    "host_requirements": [{"that": True, "fail_msg": "Something is wrong."}],
    "host_groups": ONE_HOST,
}


def a_host(
    *, facts: dict[str, Any] | None = None, probed: dict[str, Any] | None = None, **variables: Any
) -> dict[str, Any]:
    """One that is ready, but for what is given."""
    return {
        "facts": {**FACTS, **(facts or {})},
        "__host_probed": {"probe": {**PROBED, **(probed or {})}},
        **INVENTORY,
        **variables,
    }


HOSTS = {
    "as it must be": a_host(),
    "without systemd": a_host(facts={"service_mgr": "sysvinit", "systemd": {}}),
    "another distribution": a_host(facts={"distribution": "Ubuntu", "distribution_major_version": "22"}),
    "an old release": a_host(facts={"distribution_major_version": "11"}),
    "an old systemd": a_host(facts={"systemd": {"version": 247}}),
    "another Python": a_host(facts={"python": {"version": {"major": 3, "minor": 12}}}),
    "a Python that begins alike": a_host(facts={"python": {"version": {"major": 3, "minor": 1}}}),
    "little memory": a_host(facts={"memtotal_mb": 512}),
    "a full disk": a_host(probed={"disk_free_mb": {"/opt": 100, "/var/lib": 9000}}),
    "two full disks": a_host(probed={"disk_free_mb": {"/opt": 100, "/var/lib": 0}}),
    "behind": a_host(probed={"clock_skew_seconds": -61.2}),
    "ahead": a_host(probed={"clock_skew_seconds": 61.2}),
    "no secret": a_host(host_secrets={"redis_app_password": ""}),
    "a port that others have": a_host(host_ports=[{"name": "redis_port", "port": 6379}]),
    "no such pool": a_host(host_choices=[{**INVENTORY["host_choices"][0], "given": ["bulkk"]}]),
    "a requirement not met": a_host(host_requirements=[{"that": False, "fail_msg": "It is not."}]),
    "no workers": a_host(host_groups={**ONE_HOST, "workers": []}),
    "a conflict": a_host(host_conflicts=["/opt/groundwork exists."]),
    "much": a_host(
        facts={"distribution": "Ubuntu", "memtotal_mb": 10, "python": {"version": {"major": 3, "minor": 9}}},
        host_secrets={"a": ""},
    ),
}


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """By host, what preflight says of it."""
    return evaluated("host", "__host_errors", HOSTS)


@pytest.mark.parametrize("host", ["as it must be", "without systemd"])
def test_a_host_that_is_as_it_must_be_has_no_errors(said: dict[str, list[str]], host: str) -> None:
    assert said[host] == []


def test_all_errors_are_said_at_once(said: dict[str, list[str]]) -> None:
    assert len(said["much"]) == 4


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        (
            "another distribution",
            "runs Ubuntu 22; the service is tested on Debian 12 and 13[.] Take such a host",
        ),
        ("an old release", "runs Debian 11"),
        ("an old systemd", "systemd is version 247; the units need 252"),
        ("another Python", "python3 is 3.12; the release brings packages for 3.11 and 3.13"),
        ("a Python that begins alike", "python3 is 3.1;"),
        ("little memory", "512 MB of memory; it needs 900"),
        ("a full disk", "^100 MB are free at /opt; it needs 2048"),
        ("two full disks", "^100 MB are free at /opt, 0 MB are free at /var/lib; it needs 2048"),
        ("behind", "clock of the host is 61 s behind"),
        ("ahead", "clock of the host is 61 s ahead of"),
        ("no secret", "^redis_app_password is not set"),
        ("a port that others have", r"Port 6379 \(redis_port\) is taken by redis-server"),
        ("no such pool", "pools names bulkk, which is not a pool; did you mean bulk"),
        ("a requirement not met", "^It is not.$"),
        ("no workers", "No host is in the group workers"),
        ("a conflict", "^/opt/groundwork exists"),
    ],
)
def test_what_a_host_lacks_is_said(said: dict[str, list[str]], host: str, sentence: str) -> None:
    assert_said(said[host], sentence)


def test_the_module_sees_who_listens_and_how_full_disks_are() -> None:
    with TemporaryFile() as closed, socket.create_server(("127.0.0.1", 0)) as listening:
        # Whoever lists the descriptors takes this one's number, and has closed it before the socket's.
        closed.close()
        seen = PROBE._probe(folders=["/", "/no/such/folder"], controller_time=0.0)
        port = listening.getsockname()[1]
        assert port in {item["port"] for item in seen["listeners"] if item["process"]}
    assert seen["disk_free_mb"]["/"] == pytest.approx(seen["disk_free_mb"]["/no/such/folder"], abs=500)
    assert seen["clock_skew_seconds"] > 0


def test_the_module_sees_what_runs_a_program() -> None:
    listen = "import socket, time; held = socket.create_server(('127.0.0.1', 0)); "
    listen += "print(held.getsockname()[1], flush=True); time.sleep(60)"
    pidfile = Path(f"/run/test-{secrets.token_hex(4)}.pid")
    environment = {"SUPERVISOR_PROCESS_NAME": "groundwork-api"}
    started = subprocess.Popen(
        [sys.executable, "-c", listen], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert started.stdout
        port = int(started.stdout.readline())
        pidfile.write_text(f"{started.pid}\n")
        (seen,) = (item for item in host_listeners.listeners() if item["port"] == port)
    finally:
        started.kill()
        started.wait()
        pidfile.unlink()
    assert seen["pid"] == started.pid
    assert {"groundwork-api", str(pidfile)} <= set(seen["run_by"])
