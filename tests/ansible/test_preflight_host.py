"""What preflight says about a host: everything at once, in sentences."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import host_listeners

from tests.ansible.preflight import LOOKING, assert_said, mistakes


def test_a_host_that_is_as_wanted_has_no_mistakes() -> None:
    assert mistakes() == []


def test_all_mistakes_are_said_at_once() -> None:
    said = mistakes(
        look={"memory_mb": 10, "python": "3.9.2"}, secrets={"a": ""}, facts={"distribution": "Ubuntu"}
    )
    assert len(said) == 4


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"distribution": "Ubuntu", "distribution_major_version": "22"},
            "runs Ubuntu 22; .* on Debian 12 and 13",
        ),
        ({"distribution_major_version": "11"}, "runs Debian 11"),
        ({"systemd": {"version": 247}}, "systemd is version 247; the units need 252"),
    ],
)
def test_an_unknown_system_is_named(facts: dict[str, Any], sentence: str) -> None:
    assert_said(mistakes(facts=facts), sentence)


def test_a_host_without_systemd_is_fine() -> None:
    assert mistakes(facts={"service_mgr": "sysvinit", "systemd": {}}) == []


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        ({"python": "3.12.1"}, "python3 is 3.12.1; the release brings packages for 3.11 and 3.13"),
        ({"python": "3.1"}, "python3 is 3.1;"),
        ({"python": ""}, "no python3"),
        ({"memory_mb": 512}, "512 MB of memory; it needs 900"),
        ({"disk_free_mb": {"/opt": 100, "/var/lib": 9000}}, "100 MB are free at /opt; it needs 2048"),
        ({"clock_skew_seconds": -61.2}, "clock of the host is 61 s behind"),
        ({"clock_skew_seconds": 61.2}, "clock of the host is 61 s ahead of"),
        (
            {"ports": [{"port": 6379, "pid": 7, "process": "python3", "run_by": ["shop.service"]}]},
            r"Port 6379 \(redis_port\) is taken by python3 \(process 7, shop.service\)",
        ),
        (
            {"ports": [{"port": 6379, "pid": 7, "process": "redis-server", "run_by": []}]},
            r"Port 6379 \(redis_port\) is taken by redis-server \(process 7\)",
        ),
        (
            {"ports": [{"port": 6379, "pid": 0, "process": "", "run_by": []}]},
            r"Port 6379 \(redis_port\) is taken by another",
        ),
    ],
)
def test_what_the_host_lacks_is_said_with_its_numbers(look: dict[str, Any], sentence: str) -> None:
    assert_said(mistakes(look=look), sentence)


def test_the_module_sees_who_listens_and_what_the_host_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        seen = LOOKING._look(folders=["/", "/no/such/folder"], controller_time=0.0)
        assert listening.getsockname()[1] in {item["port"] for item in seen["ports"] if item["process"]}
    assert seen["disk_free_mb"]["/"] == pytest.approx(seen["disk_free_mb"]["/no/such/folder"], abs=500)
    assert seen["memory_mb"] > 0
    assert seen["python"].startswith("3.")
    assert seen["clock_skew_seconds"] > 0


def test_the_module_sees_what_runs_a_program() -> None:
    listen = "import socket, time; held = socket.create_server(('127.0.0.1', 0)); "
    listen += "print(held.getsockname()[1], flush=True); time.sleep(60)"
    pidfile = Path(f"/run/groundwork-test-{secrets.token_hex(4)}.pid")
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
