"""A host runs what its groups say, and only what is outdated is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.groundwork.files import File, Files
from ansible.module_utils.groundwork.host.instances import (
    Instance,
    UnknownPools,
    desired_instances,
    fingerprint,
)
from ansible.module_utils.groundwork.paths import ETC, UNITS

from app.topology import POOLS, topology

EVERYTHING = desired_instances(topology(), groups=["api", "workers", "beat"], pools=[], flower=True)
FILES: Files = {
    path: File(content=b"GROUNDWORK_ONE=1\n")
    for path in (
        ETC / "groundwork.env",
        ETC / "worker-bulk.env",
        ETC / "credentials/secret_key",
        ETC / "credentials/flower_password",
        UNITS / "groundwork-.service.d/10-run.conf",
        UNITS / "groundwork-api.service",
        UNITS / "groundwork-api.socket",
        UNITS / "groundwork-worker@.service",
        UNITS / "groundwork-worker@bulk.service.d/50-more.conf",
        UNITS / "groundwork.slice",
    )
}


def names(instances: list[Instance]) -> set[str]:
    return {one.name for one in instances}


def outdated_by(path: Path, content: bytes = b"GROUNDWORK_ONE=2\n") -> set[str]:
    """The services whose fingerprint is another once `path` holds something else."""
    changed = {**FILES, path: File(content=content)}
    return {
        one.name
        for one in EVERYTHING
        if fingerprint(one, release="r", files=FILES) != fingerprint(one, release="r", files=changed)
    }


def test_each_group_brings_its_services() -> None:
    workers = {f"worker-{pool.name}" for pool in POOLS}
    for group, expected in {"api": {"api", "flower"}, "workers": workers, "beat": {"beat"}}.items():
        found = desired_instances(topology(), groups=[group], pools=[], flower=True)
        assert names(found) == expected


def test_flower_is_left_out_on_demand() -> None:
    assert names(desired_instances(topology(), groups=["api"], pools=[], flower=False)) == {"api"}


def test_a_host_may_run_some_pools_only() -> None:
    found = desired_instances(topology(), groups=["workers"], pools=["bulk"], flower=False)
    assert [one.unit for one in found] == ["groundwork-worker@bulk.service"]


def test_a_pool_that_the_release_has_not_is_named_with_those_it_has() -> None:
    with pytest.raises(UnknownPools, match=r"fast.*standard, bulk"):
        desired_instances(topology(), groups=["workers"], pools=["fast"], flower=False)


def test_workers_change_before_the_api_and_beat_last() -> None:
    order = [one.service for one in EVERYTHING]
    assert order.index("api") > max(at for at, name in enumerate(order) if name == "worker")
    assert order[-1] == "beat"


def test_another_release_outdates_everything() -> None:
    for one in EVERYTHING:
        assert fingerprint(one, release="r", files=FILES) != fingerprint(one, release="s", files=FILES)


@pytest.mark.parametrize(
    ("path", "outdated"),
    [
        (ETC / "groundwork.env", names(EVERYTHING)),
        (ETC / "worker-bulk.env", {"worker-bulk"}),
        (ETC / "worker-standard.env", {"worker-standard"}),
        (ETC / "credentials/secret_key", names(EVERYTHING)),
        (ETC / "credentials/flower_password", {"flower"}),
        (UNITS / "groundwork-.service.d/10-run.conf", names(EVERYTHING)),
        (UNITS / "groundwork-api.service", {"api"}),
        (UNITS / "groundwork-api.socket", {"api"}),
        (UNITS / "groundwork-worker@.service", {"worker-standard", "worker-bulk"}),
        (UNITS / "groundwork-worker@bulk.service.d/50-more.conf", {"worker-bulk"}),
        (UNITS / "groundwork.slice", set()),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_a_file_outdates_those_that_read_it(path: Path, outdated: set[str]) -> None:
    assert outdated_by(path) == outdated


def test_a_setting_of_flower_outdates_flower_alone() -> None:
    changed = b"GROUNDWORK_ONE=1\nGROUNDWORK_FLOWER_USER=ada\n"
    assert outdated_by(ETC / "groundwork.env", changed) == {"flower"}
