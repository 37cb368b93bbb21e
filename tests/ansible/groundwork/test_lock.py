"""One deploy at a time works on a host, and a lock whose holder is gone stops nobody."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.groundwork import lock

from tests.ansible.roles import ROLES

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

RIVALS = 8


def plugin() -> ModuleType:
    """The action plugin, which Ansible finds by its file."""
    path = ROLES / "groundwork" / "action_plugins" / "groundwork_lock.py"
    spec = importlib.util.spec_from_file_location("groundwork_lock_action", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


action = plugin()


def run_of(pid: int, **more: object) -> dict[str, Any]:
    return {"controller": "c", "boot": "b", "pid": pid, "started": "1", "holder": "ada@desk", **more}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lock, "STATE", tmp_path)
    monkeypatch.setattr(lock, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(lock, "BEFORE", tmp_path / "before.json")
    return tmp_path


def test_who_takes_it_has_it_and_may_take_it_again() -> None:
    assert lock.acquire(run_of(1), stale_holder=None) is None
    assert lock.acquire(run_of(1), stale_holder=None) is None
    assert lock.read() == run_of(1)


def test_another_is_told_who_has_it() -> None:
    lock.acquire(run_of(1), stale_holder=None)
    assert lock.acquire(run_of(2), stale_holder=None) == run_of(1)


def test_it_is_taken_from_the_holder_that_is_gone_and_from_no_other() -> None:
    lock.acquire(run_of(1), stale_holder=None)
    assert lock.acquire(run_of(2), stale_holder=run_of(1)) is None
    assert lock.acquire(run_of(3), stale_holder=run_of(1)) == run_of(2)


def test_only_the_holder_gives_it_back_and_with_it_what_was_kept_for_undoing(folder: Path) -> None:
    lock.acquire(run_of(1), stale_holder=None)
    (folder / "before.json").write_text("{}")
    assert not lock.release(run_of(2))
    assert (folder / "before.json").exists()
    assert lock.release(run_of(1))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_lock_that_is_not_whole_is_nobodys(content: str, folder: Path) -> None:
    (folder / "lock").write_text(content)
    assert lock.acquire(run_of(1), stale_holder=None) is None


def _rival(folder: Path, pid: int, results: Any) -> None:
    lock.STATE, lock.LOCK = folder, folder / "lock"
    results.put(lock.acquire(run_of(pid), stale_holder=None) is None)


def test_of_many_at_once_one_gets_it(folder: Path) -> None:
    context = get_context("fork")
    results = context.Queue()
    rivals = [context.Process(target=_rival, args=(folder, pid, results)) for pid in range(1, RIVALS + 1)]
    for rival in rivals:
        rival.start()
    taken = [results.get(timeout=30) for _ in rivals]
    for rival in rivals:
        rival.join()
    assert taken.count(True) == 1


def test_a_holder_that_runs_here_is_not_gone_and_one_that_ended_is() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    mine = action.identity(playbook="deploy.yml")
    holder = mine | {"pid": process.pid, "started": action.process_start(process.pid)}
    assert not action.is_gone(holder)
    process.kill()
    process.wait()
    assert action.is_gone(holder)


def test_a_process_with_the_number_of_the_holder_is_another_when_it_began_later() -> None:
    mine = action.identity(playbook="deploy.yml")
    assert not action.is_gone(mine)
    assert action.is_gone(mine | {"started": "0"})
    assert action.is_gone(mine | {"boot": "another"})


def test_of_another_controller_nothing_is_known() -> None:
    mine = action.identity(playbook="deploy.yml")
    assert not action.is_gone(mine | {"controller": "another", "started": "0"})


def test_only_an_old_lock_may_be_taken_on_demand() -> None:
    mine = action.identity(playbook="deploy.yml")
    age = action.STALE_AFTER + timedelta(seconds=1)
    assert not action.is_stale(mine)
    assert action.is_stale(mine | {"since": time.time() - age.total_seconds()})


def test_the_refusal_names_holder_playbook_and_process() -> None:
    mine = action.identity(playbook="rollback.yml")
    said = action.refusal(json.loads(json.dumps(mine)))
    for word in (mine["holder"], "rollback.yml", str(mine["pid"]), "groundwork_force_unlock"):
        assert word in said
