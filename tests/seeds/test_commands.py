"""The commands that documents show: each runs here against one worker, or what takes its place exists."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from celery.app.utils import find_app
from celery.bin.base import CLIContext
from celery.bin.celery import celery as celery_group
from sqlalchemy import select

from app.celery_app import celery_app
from app.db.sessions import reading
from app.jobs.declaration import aliases
from app.jobs.ledger.models import Worker
from app.logs.failures import ExitCode
from app.topology import SERVICES
from tests.command_line import groundwork
from tests.conftest import BROKER, configured
from tests.fleet import Fleet, run_celery
from tests.jobs.running import job_of
from tests.seeds.lines import ROOT, Line, Status, all_lines, each
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import RedisServer

APPLICATION = "celery -A app.celery_app "
#: What is asked of a worker, and what it answers with nothing to do.
ANSWERS = {
    "active": "- empty -",
    "active_queues": "'name': 'time_capture'",
    "registered": "banking.sync_all_accounts",
    "reserved": "- empty -",
    "scheduled": "- empty -",
    "stats": '"max-concurrency": 1',
}


@dataclass(frozen=True, kw_only=True)
class Running:
    """A worker that a document starts, and Redis."""

    node: str
    redis: RedisServer


def command_of(line: Line) -> str:
    """What is typed here."""
    return line.here or line.says


def typed(beginning: str) -> list[str]:
    """What documents show to be run and begins so, as it is typed here; each once."""
    found = {command_of(line) for line in all_lines("commands") if line.proof == "runs"}
    return sorted(command for command in found if command.startswith(beginning))


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """The worker of the line that says "worker", on a database of its own."""
    [line] = [line for line in all_lines("commands") if line.proof == "worker"]
    options = re.fullmatch(rf"{APPLICATION}worker -Q (?P<queues>\S+) -n (?P<name>\w+)@%h", line.says)
    assert options
    folder = tmp_path_factory.mktemp("documents")
    database = shutil.copyfile(sqlite_template, folder / "groundwork.db")
    redis: RedisServer = request.getfixturevalue("redis_server")
    redis.clear()
    broker = {} if BROKER == "redis" else {"broker_url": request.getfixturevalue("rabbit_server").url}
    prefix = f"documents-{os.urandom(4).hex()}:"
    with configured(
        folder, database_url=f"sqlite:///{database}", redis_url=redis.url, redis_prefix=prefix, **broker
    ):
        fleet = Fleet(folder=folder)
        try:
            fleet.start_worker(options["name"], queues=options["queues"], processes=1, options=())
            yield Running(node=_node(), redis=redis)
        finally:
            fleet.close()


def _node() -> str:
    with reading() as session:
        return str(session.scalars(select(Worker.name)).one()).split("#")[0]


@pytest.mark.parametrize("command", typed(f"{APPLICATION}inspect"))
def test_a_worker_answers(command: str, running: Running) -> None:
    words = shlex.split(command.removeprefix(APPLICATION))
    # The document waits for a second; a busy machine takes longer.
    answer = run_celery(*words, "--timeout", "10", "--destination", running.node)
    assert f"{running.node}: OK" in answer
    assert ANSWERS[words[1]] in answer


@pytest.mark.parametrize("command", typed(f"{APPLICATION}call"))
def test_a_call_is_accepted_in_the_ledger(command: str, running: Running) -> None:
    words = shlex.split(command.removeprefix(APPLICATION))
    assert job_of(run_celery(*words).strip()).task == aliases.spec_of(words[1]).name


@pytest.mark.parametrize("command", typed("python "))
@pytest.mark.usefixtures("running")
def test_python_runs_it(command: str) -> None:
    words = [sys.executable, *shlex.split(command)[1:]]

    def printed() -> str | None:
        # The manager waits for workers for a second, as the document's own command does.
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == ExitCode.OK else None

    answer = wait_until(printed, seconds=20, what=f"{command} succeeds")
    assert any(shown in answer for shown in ("worker1@", "<LedgerCelery groundwork at "))


@pytest.mark.parametrize("command", typed("redis-cli "))
def test_redis_answers(command: str, running: Running) -> None:
    assert re.search(r"^PONG|^used_memory:\d+", _redis_cli(command, running), re.MULTILINE)


@each("commands", proof=lambda proof: proof == "refused")
def test_redis_knows_no_such_command(line: Line, running: Running) -> None:
    assert _redis_cli(line.says, running).startswith("ERR unknown command")


def _redis_cli(command: str, running: Running) -> str:
    program, *words = shlex.split(command)
    line = [program, "-p", str(running.redis.port), *words]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout


@each("commands", proof=lambda proof: proof in ("parses", "worker"))
def test_celery_takes_the_line(line: Line, configure: Callable[..., None]) -> None:
    _, option, application, name, *words = shlex.split(command_of(line))
    assert (option, find_app(application)) == ("-A", celery_app)
    command = celery_group.get_command(None, name)  # type: ignore[arg-type]
    context = CLIContext(app=celery_app, no_color=True, workdir=None, quiet=True)
    assert command
    assert command.make_context(name, words, obj=context).args == []


@each("commands", status=[Status.RENAMED], here=lambda here: here.startswith("groundwork "))
def test_a_command_of_ours_takes_the_place(
    line: Line, configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert groundwork(capsys, *shlex.split(line.here)[1:], "--help").code == ExitCode.OK


@each("commands", status=[Status.RENAMED], here=lambda here: here.startswith("scripts/up "))
def test_the_script_takes_the_place(line: Line) -> None:
    first = shlex.split(line.here)[1]
    assert f"#   scripts/up {first} " in (ROOT / "scripts" / "up").read_text()


@each("commands", status=[Status.RENAMED], here=lambda here: here.startswith("systemctl "))
def test_a_unit_takes_the_place(line: Line) -> None:
    _, _, *units = shlex.split(line.here)
    instances = {
        service.unit.replace("@.", f"@{name}.") for service in SERVICES for name in service.instances or [""]
    }
    assert units
    assert {unit for unit in units if unit != "groundwork.target"} <= instances


def test_every_command_is_held_by_a_test() -> None:
    ours = ("groundwork ", "scripts/up", "systemctl ", "ansible-playbook ", ".venv/bin/python")
    assert [
        str(line)
        for line in all_lines("commands")
        if not line.proof and line.status is not Status.MISSING and not line.here.startswith(ours)
    ] == []
    for playbook in ("ansible/deploy.yml", "scripts/up"):
        assert (ROOT / playbook).is_file()
