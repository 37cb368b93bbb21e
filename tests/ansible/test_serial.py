"""A release goes live host by host, in the batches that `groundwork_serial` says, and stops at a bad one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml

from tests.ansible.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOSTS = ["app1", "app2", "app3", "app4", "app5"]
NOTE_BATCH = {
    "ansible.builtin.debug": {"msg": "{{ name }}: {{ ansible_play_batch | join(' ') }}"},
    "run_once": True,
}
FAIL = {"ansible.builtin.fail": {"msg": "no"}, "when": "inventory_hostname == bad"}


def play_that_goes_live() -> dict[str, Any]:
    """The play of the deploy that switches hosts to the release, all but its tasks."""
    plays = yaml.safe_load((ROLES.parent / "deploy.yml").read_text())
    found = [play for play in plays if "tasks_from: go_live" in yaml.safe_dump(play)]
    assert len(found) == 1
    return {key: value for key, value in found[0].items() if key not in {"tasks", "become"}}


def batches(
    folder: Path, cases: Mapping[str, Mapping[str, Any]], *, bad: str = "", **given: Any
) -> dict[str, list[list[str]]]:
    """By case, which has variables of its own, the hosts that are switched together, in turn; `bad` fails."""
    tasks = [NOTE_BATCH, FAIL] if bad else [NOTE_BATCH]
    plays = [
        {**play_that_goes_live(), "vars": {**variables, "name": name, "bad": bad}, "tasks": tasks}
        for name, variables in cases.items()
    ]
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {"hosts": dict.fromkeys(HOSTS), "vars": here}
    groups = {"workers": {"hosts": dict.fromkeys(HOSTS)}, "api": {"hosts": {"app1": None}}}
    (folder / "hosts.json").write_text(json.dumps({"all": {**hosts, "children": {**groups, "beat": {}}}}))
    (folder / "play.yml").write_text(json.dumps(plays))
    done = subprocess.run(
        [
            f"{sys.prefix}/bin/ansible-playbook",
            *("--inventory", "hosts.json", "--extra-vars", json.dumps(given), "play.yml"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (not bad), done.stdout + done.stderr
    found: dict[str, list[list[str]]] = {}
    for name, switched in re.findall(r'"msg": "(\w+): ([\w ]+)"', done.stdout):
        found.setdefault(name, []).append(switched.split())
    return found


#: By case, what is said of the batches, and what they are then.
CASES: dict[str, tuple[dict[str, Any], list[list[str]]]] = {
    "default": ({}, [["app1"], ["app2", "app3"], ["app4", "app5"]]),
    "number": ({"groundwork_serial": 3}, [["app1", "app2", "app3"], ["app4", "app5"]]),
    "list": ({"groundwork_serial": [1, 4]}, [["app1"], ["app2", "app3", "app4", "app5"]]),
    "all": ({"groundwork_serial": "100%"}, [HOSTS]),
}


def test_hosts_are_switched_in_batches(tmp_path: Path) -> None:
    found = batches(tmp_path, {name: variables for name, (variables, _) in CASES.items()})
    assert found == {name: expected for name, (_, expected) in CASES.items()}


def test_after_a_bad_host_no_other_is_switched(tmp_path: Path) -> None:
    assert batches(tmp_path, {"first": {}}, bad="app1") == {"first": [["app1"]]}
    found = batches(tmp_path, {"third": {}}, bad="app3", groundwork_serial=[1, 2, 2])
    assert found == {"third": [["app1"], ["app2", "app3"]]}
