"""The manager of hosts without systemd, against a real supervisord."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible.module_utils.groundwork import commands
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.files import File, write_files
from ansible.module_utils.groundwork.host.instances import Instance
from ansible.module_utils.groundwork.managers import supervisord

from tests.servers import stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible.module_utils.groundwork.managers.supervisord import Supervisor

STANDARD = Instance(service="worker", pool="standard")
BULK = Instance(service="worker", pool="bulk")
#: Says that it is ready the way a worker does, then goes on.
READY = "import os, sys, time; open(sys.argv[2], 'w').write(str(os.getpid())); time.sleep(600)"
BROKEN = "print('The settings cannot be used.'); raise SystemExit(1)"
#: Is seen to run before it ends.
CRASHING = f"import time; time.sleep(0.6); {BROKEN}"

ENDS_THE_FIRST_TIME = """
from pathlib import Path
seen = Path(__file__ + ".seen")
if not seen.exists():
    seen.touch()
    raise SystemExit(1)
"""


class Machine:
    """A folder in the place of a host's, and its supervisord."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manager: Supervisor = supervisord.Supervisor()
        self._release = folder / "release"

    def install(self, *, standard: str = READY, bulk: str = READY) -> list[Path]:
        """Install the files of a release; which they are."""
        programs = {"worker-standard": standard, "worker-bulk": bulk}
        text = "\n".join(self._program(name, code) for name, code in programs.items())
        (self._release / "supervisor").mkdir(parents=True, exist_ok=True)
        (self._release / "supervisor/groundwork.conf").write_text(f"[supervisord]\n\n{text}")
        files = {
            path: File(content=content)
            for path, content in self.manager.files(self._release, extra={}, address="127.0.0.1:8000").items()
        }
        write_files(files, paths=files)
        return list(files)

    def _program(self, name: str, code: str) -> str:
        script = self.folder / f"{name}-{abs(hash(code))}.py"
        script.write_text(code)
        pidfile = self.folder / f"groundwork-{name}.pid"
        return (
            f"[program:groundwork-{name}]\n"
            f"command={sys.executable} {script} --pidfile {pidfile}\n"
            f"autorestart=true\nstartretries=1000000\nredirect_stderr=true\n"
            f"startsecs={int(code == BROKEN)}\n"
            f"stdout_logfile={self.folder}/groundwork-{name}.out\n"
        )

    def pid(self, instance: Instance) -> str:
        return str(self.manager.status(instance)[1]).partition(",")[0]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A host with a supervisord that runs nothing yet."""
    if os.geteuid() != 0:
        pytest.skip("a deploy gives files to root")
    enabled = tmp_path / "conf.d"
    enabled.mkdir()
    socket, configuration = tmp_path / "s.sock", tmp_path / "supervisord.conf"
    configuration.write_text(
        f"[unix_http_server]\nfile={socket}\n\n[supervisord]\nlogfile={tmp_path}/supervisord.log\n"
        f"pidfile={tmp_path}/supervisord.pid\n\n[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\n"
        f"[supervisorctl]\nserverurl=unix://{socket}\n\n[include]\nfiles={enabled}/*.conf\n"
    )
    module = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(configuration)]
    monkeypatch.setattr(supervisord, "CONTROL", module)
    monkeypatch.setattr(supervisord, "ENABLED", enabled)
    monkeypatch.setattr(supervisord, "SUPERVISOR", tmp_path / "programs")
    monkeypatch.setattr(supervisord, "LOGS", tmp_path)
    monkeypatch.setattr(commands, "DATA", tmp_path)
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-s", "-c", str(configuration)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(socket.exists, seconds=30, what="supervisord listens")
    yield Machine(tmp_path)
    stop(process)


def test_what_is_enabled_runs_and_starts_with_the_host(machine: Machine) -> None:
    machine.install()
    assert not machine.manager.is_enabled(STANDARD)
    machine.manager.enable(STANDARD)
    machine.manager.start(STANDARD)
    assert machine.manager.is_running(STANDARD)
    assert machine.manager.is_enabled(STANDARD)
    assert machine.manager.enabled() == [STANDARD]
    assert not machine.manager.is_running(BULK)


def test_a_pool_that_is_gone_is_stopped_and_forgotten(machine: Machine) -> None:
    machine.install()
    machine.manager.enable(BULK)
    machine.manager.start(BULK)
    machine.manager.remove(BULK)
    assert (machine.manager.is_running(BULK), machine.manager.enabled()) == (False, [])


def test_only_what_changed_gets_a_new_process(machine: Machine) -> None:
    machine.install()
    for instance in (STANDARD, BULK):
        machine.manager.enable(instance)
        machine.manager.start(instance)
    before = machine.pid(STANDARD), machine.pid(BULK)
    machine.manager.reload_or_restart(STANDARD, changed=machine.install(standard=f"marker = 1\n{READY}"))
    assert machine.pid(STANDARD) != before[0]
    assert machine.pid(BULK) == before[1]
    words = Path("/proc", machine.pid(STANDARD).removeprefix("pid "), "cmdline").read_text()
    script = Path(words.split("\0")[1])
    assert script.read_text().startswith("marker = 1")


def test_new_code_behind_an_unchanged_file_gets_a_new_process(machine: Machine) -> None:
    machine.install()
    machine.manager.enable(STANDARD)
    machine.manager.start(STANDARD)
    before = machine.pid(STANDARD)
    assert machine.manager.reload_or_restart(STANDARD, changed=[]) == "restarted"
    assert machine.pid(STANDARD) != before


@pytest.mark.parametrize("code", [BROKEN, CRASHING], ids=["at once", "while it starts"])
def test_a_worker_that_ends_again_and_again_fails_with_its_output(machine: Machine, code: str) -> None:
    machine.install(standard=code)
    machine.manager.enable(STANDARD)
    with pytest.raises(Failure, match="worker-standard could not start: it ends again and again") as failed:
        machine.manager.start(STANDARD)
    assert str(failed.value).count("The settings cannot be used.") > 1


def test_a_worker_that_starts_after_some_attempts_is_waited_for(machine: Machine) -> None:
    machine.install(standard=f"{ENDS_THE_FIRST_TIME}\n{READY}")
    machine.manager.enable(STANDARD)
    machine.manager.start(STANDARD)
    assert machine.manager.is_running(STANDARD)


def test_what_is_paused_stays_enabled(machine: Machine) -> None:
    machine.install()
    machine.manager.enable(STANDARD)
    machine.manager.start(STANDARD)
    machine.manager.stop([STANDARD])
    assert machine.manager.status(STANDARD)[0] == "inactive"
    assert machine.manager.is_enabled(STANDARD)
    machine.manager.start(STANDARD)
    assert machine.manager.is_running(STANDARD)
