"""A host runs what its groups say, and only what is outdated is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.groundwork.files import File, Files
from ansible.module_utils.groundwork.host.instances import (
    Instance,
    UnknownPools,
    desired_instances,
    fingerprint,
    settings_owners,
)
from ansible.module_utils.groundwork.paths import ETC, UNITS

from app.topology import POOLS, topology

OWNERS = settings_owners(topology())
EVERYTHING = desired_instances(topology(), groups=["api", "workers", "beat"], pools=[], without=[])
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


def fingerprint_of(one: Instance, *, release: str = "r", files: Files = FILES) -> str:
    return str(fingerprint(one, release=release, files=files, owners=OWNERS))


def outdated_by(path: Path, content: bytes = b"GROUNDWORK_ONE=2\n") -> set[str]:
    """The services whose fingerprint is another once `path` holds something else."""
    changed = {**FILES, path: File(content=content)}
    return {one.name for one in EVERYTHING if fingerprint_of(one) != fingerprint_of(one, files=changed)}


def test_each_group_brings_its_services() -> None:
    workers = {f"worker-{pool.name}" for pool in POOLS}
    for group, expected in {"api": {"api", "flower"}, "workers": workers, "beat": {"beat"}}.items():
        found = desired_instances(topology(), groups=[group], pools=[], without=[])
        assert names(found) == expected


def test_flower_is_left_out_on_demand() -> None:
    assert names(desired_instances(topology(), groups=["api"], pools=[], without=["flower"])) == {"api"}


def test_a_host_may_run_some_pools_only() -> None:
    found = desired_instances(topology(), groups=["workers"], pools=["bulk"], without=[])
    assert [one.unit for one in found] == ["groundwork-worker@bulk.service"]


def test_a_pool_that_the_release_has_not_is_named_with_those_it_has() -> None:
    with pytest.raises(UnknownPools, match=r"fast.*standard, outside, bulk"):
        desired_instances(topology(), groups=["workers"], pools=["fast"], without=[])


def test_workers_change_before_the_api_and_beat_last() -> None:
    order = [one.service for one in EVERYTHING]
    assert order.index("api") > max(at for at, name in enumerate(order) if name == "worker")
    assert order[-1] == "beat"


def test_another_release_outdates_everything() -> None:
    for one in EVERYTHING:
        assert fingerprint_of(one) != fingerprint_of(one, release="s")


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
        (UNITS / "groundwork-worker@.service", {"worker-standard", "worker-outside", "worker-bulk"}),
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


def a_new_service(**more: str) -> dict[str, Any]:
    """The topology with one more service, as one line adds it."""
    added = {"name": "relay", "group": "beat", "instances": (), **more}
    return {**topology(), "services": [*topology()["services"], added]}  # type: ignore[misc]


def test_a_new_service_runs_where_its_line_says() -> None:
    found = desired_instances(a_new_service(), groups=["beat"], pools=[], without=[])
    assert [one.unit for one in found] == ["groundwork-beat.service", "groundwork-relay.service"]
    assert Instance.of_unit(found[1].unit) == found[1]


def test_a_setting_of_a_new_service_outdates_it_alone() -> None:
    owners = settings_owners(a_new_service(own_settings="relay_"))
    env = ETC / "groundwork.env"
    before, after = ({env: File(content=f"GROUNDWORK_RELAY_PORT={port}\n".encode())} for port in (1, 2))
    for service, is_outdated in (("relay", True), ("beat", False)):
        one = Instance(service=service)
        same = fingerprint(one, release="r", files=before, owners=owners) == fingerprint(
            one, release="r", files=after, owners=owners
        )
        assert same is not is_outdated


def test_a_release_whose_topology_says_less_runs_as_it_did() -> None:
    told = [{key: one[key] for key in ("name", "unit", "instances")} for one in topology()["services"]]  # type: ignore[attr-defined]
    before = {**topology(), "services": told}
    assert desired_instances(before, groups=["api", "workers", "beat"], pools=[], without=[]) == EVERYTHING
    assert settings_owners(before) == OWNERS
