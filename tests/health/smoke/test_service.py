"""A smoke job goes through the real queue of its pool, or says which pool did not do it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.health.smoke.service import probe
from app.jobs.ledger.models import State
from app.jobs.pauses import service as pauses
from app.topology import POOLS, pool_named
from tests.command_line import groundwork

if TYPE_CHECKING:
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")


def test_every_pool_with_a_worker_does_its_job(fleet: Fleet) -> None:
    for pool in POOLS:
        fleet.start_worker(pool.name, queues=",".join(pool.queues), processes=1)
    with transaction() as session:
        pauses.pause(session, POOLS[0].queues[0], reason="The bank moves.", by="ann")

    probes = probe(POOLS, timeout=timedelta(seconds=30))

    assert [(found.pool, found.queue, found.state) for found in probes] == [
        (pool.name, pool.queues[number == 0], State.DONE) for number, pool in enumerate(POOLS)
    ], "a paused queue does not stand for its pool"
    assert all(found.worker and found.worker.startswith(found.pool) for found in probes)


def test_a_pool_without_a_worker_is_named_when_the_time_is_up(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    standard = pool_named("standard")
    fleet.start_worker(standard.name, queues=",".join(standard.queues), processes=1)

    said = groundwork(capsys, "smoke", "--timeout", "3", "--json")

    assert said.code == 1
    assert {found["pool"]: found["state"] for found in json.loads(said.out)} == {
        "standard": "done",
        "outside": "ready",
        "bulk": "ready",
    }
    assert 'pool "bulk" ran no job within 3 s' in said.err
    assert "standard" not in said.err
