"""A release goes live host by host, in the batches that `groundwork_serial` says, and stops at a bad one."""

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

HOSTS = ["app1", "app2", "app3", "app4", "app5"]
NOTE_BATCH = {
    "ansible.builtin.copy": {
        "dest": "{{ folder }}/{{ '%02d' | format(groups.all.index(ansible_play_batch[0])) }}",
        "content": "{{ ansible_play_batch | to_json }}",
    },
    "run_once": True,
}
FAIL = {"ansible.builtin.fail": {"msg": "no"}, "when": "inventory_hostname == bad"}


def play_that_goes_live() -> dict[str, Any]:
    """The play of the deploy that switches hosts to the release, all but its tasks."""
    plays = yaml.safe_load((ROLES.parent / "deploy.yml").read_text())
    found = [play for play in plays if "tasks_from: go_live" in yaml.safe_dump(play)]
    assert len(found) == 1
    return {key: value for key, value in found[0].items() if key not in {"tasks", "become"}}


def batches(folder: Path, *, bad: str = "", **variables: Any) -> list[list[str]]:
    """The hosts that are switched together, in turn; `bad` fails."""
    play = {**play_that_goes_live(), "tasks": [NOTE_BATCH, FAIL]}
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {"hosts": dict.fromkeys(HOSTS), "vars": here | {"folder": str(folder), "bad": bad}}
    groups = {"workers": {"hosts": dict.fromkeys(HOSTS)}, "api": {"hosts": {"app1": None}}}
    (folder / "hosts.json").write_text(json.dumps({"all": {**hosts, "children": {**groups, "beat": {}}}}))
    (folder / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        [
            f"{sys.prefix}/bin/ansible-playbook",
            *("--inventory", "hosts.json", "--extra-vars", json.dumps(variables), "play.yml"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (not bad), done.stdout + done.stderr
    return [json.loads(file.read_text()) for file in sorted(folder.glob("[0-9][0-9]"))]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, [["app1"], ["app2", "app3"], ["app4", "app5"]]),
        ({"groundwork_serial": 3}, [["app1", "app2", "app3"], ["app4", "app5"]]),
        ({"groundwork_serial": [1, 4]}, [["app1"], ["app2", "app3", "app4", "app5"]]),
        ({"groundwork_serial": "100%"}, [HOSTS]),
    ],
    ids=["default", "number", "list", "all"],
)
def test_hosts_are_switched_in_batches(
    variables: dict[str, Any], expected: list[list[str]], tmp_path: Path
) -> None:
    assert batches(tmp_path, **variables) == expected


def test_after_a_bad_host_no_other_is_switched(tmp_path: Path) -> None:
    assert batches(tmp_path, bad="app1") == [["app1"]]
    assert batches(tmp_path, bad="app3", groundwork_serial=[1, 2, 2]) == [["app1"], ["app2", "app3"]]
