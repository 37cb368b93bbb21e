"""The controller is lost in the middle of a deploy, or there are two of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.host.rehearsals.load import Load

if TYPE_CHECKING:
    from tests.host.rehearsals.checkout import Release
    from tests.host.rehearsals.host import Host
    from tests.host.rehearsals.playbook import Playbook

#: At which share of a deploy's time the controller goes away.
POINTS = (0.15, 0.35, 0.55, 0.7, 0.8, 0.9)


@pytest.fixture(scope="session")
def course(deployed: Host, next_release: Release) -> list[tuple[str, float]]:
    """Of a whole deploy of another release, at equal parts of its time: a task, and seconds into it."""
    deployed.settle()
    run = deployed.deploy(next_release).succeed()
    return [_at(run, share=point) for point in POINTS]


def _at(run: Playbook, *, share: float) -> tuple[str, float]:
    moment = run.began + share * run.seconds
    step = max((step for step in run.steps() if step.began <= moment), key=lambda step: step.began)
    return step.name, moment - step.began


@pytest.mark.parametrize("point", range(len(POINTS)), ids=[f"{point:.0%}" for point in POINTS])
def test_a_deploy_whose_controller_was_killed_is_completed_by_the_next(
    point: int, deployed: Host, next_release: Release, course: list[tuple[str, float]]
) -> None:
    task, seconds = course[point]
    host, before = deployed, deployed.release
    # From one to the other, so that the time is not spent on ways back.
    target = host.base if before == next_release.id else next_release
    with Load(host.container.address, host.service.token, requests_per_second=20, nappers=2) as load:
        lost = host.deploy(target)
        begun = lost.wait_for(f"{task}] *").at
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        lost.kill()
        half = host.release
        again = host.deploy(target).succeed()
        load.wait_for_requests(40)
    print(f'killed {seconds:.1f} s into "{task}", {half} live; then {again.seconds:.0f} s, {load.tally}')
    assert half in (before, target.id)
    assert host.release == target.id
    assert not load.tally.failures, "\n".join(load.tally.failures[:20])
    host.service.refuse_faults(load.tally.accepted)


def test_a_second_deploy_refuses_at_once_and_names_the_holder(host: Host, next_release: Release) -> None:
    first = host.deploy(next_release)
    first.wait_for("trial")
    second = host.deploy(host.base)
    assert second.wait() != 0
    lock = next(step for step in second.steps() if "no other deploy" in step.name)
    print(f'"{lock.name}" took {lock.seconds:.1f} s\n{second.tail(15)}')
    assert second.ended - lock.began <= 2
    assert "is deploying to this host" in second.tail(15)
    first.succeed()
    assert host.release == next_release.id
