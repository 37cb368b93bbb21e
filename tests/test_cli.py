"""The services as processes: started by `groundwork`, stopped by signals."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.logs.failures import ExitCode
from tests.command_line import ForkedCommand, groundwork_process
from tests.servers import free_port, stop, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.preloaded import Forked

    Start = Callable[..., ForkedCommand]

PASSWORD = "a-real-password-of-more-than-32-characters"
START_SECONDS = 60
CLEANUP = "pricing.cleanup_expired_discounts"


@pytest.fixture
def environment(
    configure: Callable[..., None], sqlite_url: str, redis_url: str, tmp_path: Path
) -> dict[str, str]:
    """A small fleet's settings: a SQLite ledger, logs in files."""
    port = free_port()
    configure(database_url=sqlite_url, redis_url=redis_url, log_dir=tmp_path, api_port=port, api_workers=1)
    configure(flower_port=free_port(), flower_password=PASSWORD)
    return dict(os.environ)


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts command lines, and ends what is left of them."""
    started: list[Forked] = []

    def start(*arguments: str) -> ForkedCommand:
        command = ForkedCommand(*arguments, environment=environment, folder=tmp_path)
        started.append(command.process)
        return command

    yield start
    for process in started:
        stop(process, how=signal.SIGKILL)


def finished(command: ForkedCommand) -> tuple[int, str, str]:
    outcome = command.finished(seconds=START_SECONDS)
    return outcome.code, outcome.out, outcome.err


def answer(url: str, *, seconds: float = START_SECONDS) -> int:
    """The HTTP status at `url`, once anything answers."""

    def status() -> int | None:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    return int(wait_until(status, seconds=seconds, what=f"{url} answers"))


def pid_in(pidfile: Path) -> int | None:
    text = pidfile.read_text() if pidfile.exists() else ""
    return int(text) if text.strip().isdigit() and text.endswith("\n") else None


def log_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    wait_until(
        lambda: not Path(f"/proc/{pid}").exists(), seconds=START_SECONDS, what=f"process {pid} is gone"
    )


def test_a_detached_worker_starts_over_a_stale_pidfile_works_and_starts_once(
    start: Start, tmp_path: Path
) -> None:
    pidfile = tmp_path / "worker.pid"
    # A live process of the same user: the one case in which Celery itself would refuse.
    pidfile.write_text(f"{os.getpid()}\n")
    command = ("worker", "bulk", "--concurrency", "1", "--detach", "--pidfile", str(pidfile))
    assert finished(start(*command))[0] == ExitCode.OK
    pid = wait_until(lambda: pid_in(pidfile), seconds=START_SECONDS, what="the pidfile is written")
    try:
        code, out, _ = finished(start("jobs", "submit", CLEANUP))
        code, _, err = finished(start("jobs", "wait", out.strip(), "--timeout", "60s"))
        assert code == ExitCode.OK, err
        code, _, err = finished(start(*command))
        assert (code, str(pid) in err) == (ExitCode.FAILED, True)
    finally:
        end(pid)
    assert not pidfile.exists()
    assert {line["service"] for line in log_lines(tmp_path / "worker-bulk.log")} == {"worker-bulk"}


def test_beat_writes_its_pidfile_and_removes_it(start: Start, tmp_path: Path) -> None:
    pidfile = tmp_path / "beat.pid"
    pidfile.write_text("no number")
    beat = start("beat", "--pidfile", str(pidfile)).process
    log = tmp_path / "beat.log"
    wait_until(
        lambda: log.exists() and "beat_leads" in log.read_text(), seconds=START_SECONDS, what="beat leads"
    )
    assert pid_in(pidfile) == beat.pid
    assert {line["service"] for line in log_lines(log)} == {"beat"}
    beat.send_signal(signal.SIGTERM)
    assert beat.wait(timeout=stretched(START_SECONDS)) == 0
    assert not pidfile.exists()


def test_the_api_answers_and_writes_a_line_per_request(
    start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    api = start("serve").process
    url = f"http://127.0.0.1:{environment['GROUNDWORK_API_PORT']}/api/v1/jobs?secret=hunter2"
    assert answer(url) == 401
    api.send_signal(signal.SIGTERM)
    assert api.wait(timeout=stretched(START_SECONDS)) == 0
    lines = log_lines(tmp_path / "api.log")
    request = next(line for line in lines if line["event"] == "request")
    assert (request["path"], request["status"], request["service"]) == ("/api/v1/jobs", 401, "api")
    assert request["request_id"]
    assert "hunter2" not in (tmp_path / "api.log").read_text()


def test_flower_lets_nobody_in_without_the_password(environment: dict[str, str], tmp_path: Path) -> None:
    flower = groundwork_process("flower", environment=environment, folder=tmp_path)
    try:
        assert answer(f"http://127.0.0.1:{environment['GROUNDWORK_FLOWER_PORT']}/") == 401
        command_line = Path(f"/proc/{flower.pid}/cmdline").read_bytes()
        assert PASSWORD.encode() not in command_line
    finally:
        stop(flower)
    assert flower.returncode == 0


def test_flower_moves_below_its_prefix(start: Start, environment: dict[str, str]) -> None:
    environment["GROUNDWORK_FLOWER_URL_PREFIX"] = "flower"
    start("flower")
    address = f"http://127.0.0.1:{environment['GROUNDWORK_FLOWER_PORT']}"
    assert (answer(f"{address}/flower/"), answer(f"{address}/")) == (401, 404)


def test_a_service_of_the_ledger_on_an_empty_database_says_what_to_do(
    start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    environment["GROUNDWORK_DATABASE_URL"] = f"sqlite:///{tmp_path}/empty.db"
    detached = ["worker", "bulk", "--detach", "--pidfile", str(tmp_path / "worker.pid")]
    for service in (["worker", "bulk"], ["beat"], detached):
        code, _, err = finished(start(*service))
        assert code == ExitCode.BAD_CONFIGURATION, err
        assert "Run: groundwork migrate" in err
        assert len(err.splitlines()) == 1


def test_a_service_without_a_secret_key_does_not_start(start: Start, environment: dict[str, str]) -> None:
    environment["GROUNDWORK_SECRET_KEY"] = "changeme"
    for service in (["serve"], ["worker", "bulk"], ["beat"], ["flower"]):
        code, out, err = finished(start(*service))
        assert code == ExitCode.BAD_CONFIGURATION
        assert out == ""
        assert err.startswith("Refusing to start: GROUNDWORK_SECRET_KEY")
        assert len(err.splitlines()) == 1
