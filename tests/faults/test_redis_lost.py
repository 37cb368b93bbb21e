"""Redis may be killed and its data deleted: every accepted job still ends as done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.db.sessions import transaction
from app.jobs.publish import publisher
from tests.faults.ledger import effects, wait_for_more_effects, wait_until_all_done
from tests.sample import tasks

if TYPE_CHECKING:
    from tests.fleet import Fleet
    from tests.servers import RedisServer


def test_jobs_survive_a_redis_that_is_killed_with_its_data(fleet: Fleet, own_redis: RedisServer) -> None:
    names = [f"{number:04}" for number in range(400)]
    fleet.start_beat()
    fleet.start_worker()
    with transaction():
        for name in names:
            tasks.record_effect.delay(name)
    wait_for_more_effects(40, of=len(names))
    own_redis.kill()
    own_redis.wipe()
    own_redis.start()
    wait_until_all_done()
    assert effects() == names


def test_jobs_accepted_while_redis_is_away_run_when_it_is_back(fleet: Fleet, own_redis: RedisServer) -> None:
    fleet.start_beat()
    fleet.start_worker()
    own_redis.kill()
    for number in range(20):
        tasks.record_effect.delay(f"{number:04}")
    own_redis.start()
    publisher.close()
    wait_until_all_done()
    assert effects() == [f"{number:04}" for number in range(20)]
