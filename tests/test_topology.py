"""The fleet is one consistent declaration, and everyone learns it from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from app import topology
from app.jobs.declaration.registry import tasks
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


def test_every_task_goes_to_a_queue_that_is_drained() -> None:
    assert {spec.queue for spec in tasks().values()} <= topology.drained_queues()


def test_names_are_used_once() -> None:
    assert len({pool.name for pool in topology.POOLS}) == len(topology.POOLS)
    assert len({service.name for service in topology.SERVICES}) == len(topology.SERVICES)


def test_settings_of_one_service_exist_and_are_named_after_it() -> None:
    for service in topology.SERVICES:
        if service.own_settings:
            assert [name for name in Settings.model_fields if name.startswith(service.own_settings)]


def test_it_prints_itself_with_the_standard_library_alone() -> None:
    assert printed_by("-S", "-m", "app.topology") == printed_by("-m", "app", "topology", "--json")


def test_it_prints_queues_pools_and_services() -> None:
    assert printed_by("-S", "-m", "app.topology") == json.loads(json.dumps(topology.topology()))


def test_an_unknown_pool_is_refused_with_the_known_ones() -> None:
    with pytest.raises(topology.UnknownPool, match=r'no pool "fast".*standard, bulk'):
        topology.pool_named("fast")
