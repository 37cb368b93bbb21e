"""Hosts that --limit leaves out keep their addresses in what others are told, whether they answer or not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.ansible.roles import ROLES

if TYPE_CHECKING:
    from pathlib import Path

HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
#: Its name resolves, and nobody listens there.
DEAD = {"ansible_host": "localhost", "ansible_port": 1}


def run(folder: Path, *, hosts: dict[str, Any], limit: str) -> subprocess.CompletedProcess[str]:
    """The addresses of the fleet, as a run finds them; on the controller alone."""
    groups = {"api": {"hosts": dict.fromkeys(hosts)}}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "children": groups}}))
    tell = {"dest": str(folder / "told"), "content": "{{ __groundwork_fleet_addresses | to_json }}"}
    play = {
        "hosts": "api",
        "gather_facts": True,
        "gather_subset": ["min", "network"],
        "any_errors_fatal": True,
        "tasks": [
            {"ansible.builtin.import_role": {"name": "groundwork", "tasks_from": "addresses"}},
            {"ansible.builtin.copy": tell, "run_once": True},
        ],
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    (folder / "group_vars").symlink_to(ROLES.parent / "group_vars")
    (folder / "roles").symlink_to(ROLES)
    return subprocess.run(
        [
            f"{sys.prefix}/bin/ansible-playbook",
            *("--inventory", "hosts.json", "--limit", limit, "play.yml"),
            *("--extra-vars", json.dumps({"__groundwork_state_folder": str(folder)})),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By host, the address that others are told; only `app` and `second` take part."""
    folder = tmp_path_factory.mktemp("told")
    remembered = {"dead": "10.9.8.7", "app": "10.1.1.1", "answers": "10.1.1.2"}
    (folder / "addresses.json").write_text(json.dumps(remembered))
    given = DEAD | {"groundwork_address": "10.5.5.5"}
    hosts = {"app": HERE, "second": HERE, "answers": HERE, "dead": DEAD, "given": given}
    done = run(folder, hosts=hosts, limit="app:second")
    assert done.returncode == 0, done.stdout
    found: dict[str, str] = json.loads((folder / "told").read_text())
    assert set(found) == set(hosts)
    return found


def test_a_host_that_answers_is_asked(told: dict[str, str]) -> None:
    assert told["app"] == told["second"] == told["answers"]
    assert not told["app"].startswith("10.1.1.")


def test_a_host_that_does_not_answer_is_where_others_remember_it(told: dict[str, str]) -> None:
    assert told["dead"] == "10.9.8.7"


def test_an_address_that_the_inventory_gives_will_do(told: dict[str, str]) -> None:
    assert told["given"] == "10.5.5.5"


def test_a_host_that_nobody_knows_the_address_of_is_named_before_anything_is_changed(tmp_path: Path) -> None:
    done = run(tmp_path, hosts={"app": HERE, "dead": DEAD}, limit="app")
    assert done.returncode != 0
    assert "dead cannot be asked for an address, and no host remembers one" in done.stdout
    assert not (tmp_path / "told").exists()
