"""The fleet is one consistent declaration, and everyone learns it from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app import topology
from app.processes.command_lines import worker_process
from app.settings.config import Settings

ROOT = Path(__file__).resolve().parent.parent


def printed_by(*arguments: str) -> object:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_every_queue_is_drained_by_exactly_one_pool() -> None:
    drained = Counter(queue for pool in topology.POOLS for queue in pool.queues)

    assert drained == Counter(topology.Queue)


def test_names_are_used_once() -> None:
    assert len({pool.name for pool in topology.POOLS}) == len(topology.POOLS)
    assert len({service.name for service in topology.SERVICES}) == len(topology.SERVICES)


def test_settings_of_one_service_exist_and_are_named_after_it() -> None:
    for service in topology.SERVICES:
        if service.own_settings:
            assert [name for name in Settings.model_fields if name.startswith(service.own_settings)]


def test_who_has_the_standard_library_alone_reads_what_workers_are_started_with() -> None:
    fleet: Any = printed_by("-S", "-m", "app.topology")
    started = [worker_process(topology.pool_named(pool["name"])).arguments for pool in fleet["pools"]]
    for pool, arguments in zip(fleet["pools"], started, strict=True):
        assert f"--queues={','.join(pool['queues'])}" in arguments
        assert f"--concurrency={pool['concurrency']}" in arguments
    assert sorted(queue for pool in fleet["pools"] for queue in pool["queues"]) == sorted(fleet["queues"])


def test_who_has_the_standard_library_alone_reads_which_units_run() -> None:
    fleet: Any = printed_by("-S", "-m", "app.topology")
    units = {path.name for path in (ROOT / "systemd").glob("*.service")}
    assert {service["unit"] for service in fleet["services"]} == units
    instances = {service["unit"]: service["instances"] for service in fleet["services"]}
    assert instances["groundwork-worker@.service"] == [pool["name"] for pool in fleet["pools"]]


def test_an_unknown_pool_is_refused_with_the_known_ones() -> None:
    with pytest.raises(topology.UnknownPool, match=r'no pool "fast".*standard, outside, bulk'):
        topology.pool_named("fast")
