"""A deploy and a rollback while the service is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.host.rehearsals.load import Load

if TYPE_CHECKING:
    from tests.host.rehearsals.checkout import Release
    from tests.host.rehearsals.host import Host

REQUESTS = 10_000


def test_a_deploy_and_a_rollback_fail_no_request_lose_no_job_and_run_none_twice(
    host: Host, next_release: Release
) -> None:
    token = host.service.token
    with Load(host.container.address, token, requests_per_second=110, nappers=4) as load:
        load.wait_for_requests(500)
        deploy = host.deploy(next_release).succeed()
        assert host.release == next_release.id
        load.wait_for_requests(200)
        rollback = host.play("rollback.yml").succeed()
        assert host.release == host.base.id
        load.wait_for_requests(max(REQUESTS - load.tally.sent, 200))
    print(f"deploy {deploy.seconds:.0f} s, rollback {rollback.seconds:.0f} s, {load.tally}")
    assert not load.tally.failures, "\n".join(load.tally.failures[:20])
    host.service.refuse_faults(load.tally.accepted)
