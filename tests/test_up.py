"""`scripts/up` as a person runs it, in a copy of the checkout that lies deep and has an awkward name."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from app import topology
from tests.checkout import TIMEOUT_SECONDS, copied_checkout
from tests.servers import free_port, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.checkout import Checkout


#: A line of `scripts/up status`, of what runs.
PROGRAM = re.compile(r"^(\S+) .* pid (\d+)", re.MULTILINE)


def supervisor_of(checkout: Checkout) -> int:
    return int((checkout.folder / "var" / "supervisord.pid").read_text())


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").exists()


@pytest.fixture(scope="module")
def started(
    tmp_path_factory: pytest.TempPathFactory, ready_venv: None, sqlite_template: Path
) -> Iterator[Checkout]:
    """A checkout that several tests start, with as few processes as can be and a ledger that is migrated."""
    with copied_checkout(tmp_path_factory.mktemp("started")) as copy:
        copy.environment.update({"GROUNDWORK_API_WORKERS": "1", "GROUNDWORK_WORKER_CONCURRENCY": "1"})
        copy.environment.pop("CI", None)
        copy.use_ledger(copy_of=sqlite_template)
        yield copy


@pytest.fixture
def running(started: Checkout) -> Checkout:
    up = started.up("--detach")
    assert up.returncode == 0, up.stdout
    return started


def test_it_runs_shows_itself_and_starts_once(started: Checkout) -> None:
    of_a_demonstration = started.folder / "var" / "demo.env"
    of_a_demonstration.parent.mkdir()
    of_a_demonstration.write_text("GROUNDWORK_OF_ANOTHER_RELEASE=1")

    first = started.up("--detach")
    assert first.returncode == 0, first.stdout
    assert not of_a_demonstration.exists()
    assert f"http://127.0.0.1:{started.ports[0]}" in first.stdout
    assert first.stdout.count(started.token) == 1
    assert "$(cat var/token)" in first.stdout
    assert started.answers("/readyz") == 200
    password = (started.folder / "var" / "password").read_text().strip()
    assert first.stdout.count(password) == 1
    assert "/console  sign in as admin@example.org, its first password in var/password" in first.stdout
    assert started.console_of("admin@example.org", password).status_code == 200
    (link,) = re.findall(r"Sign in +(http://\S+) +\(once, within 15 minutes\)", first.stdout)
    assert "It signs you in as admin@example.org." in httpx.get(link).text

    for name in ("groundwork.env", "token", "password", "redis.conf"):
        assert (started.folder / "var" / name).stat().st_mode & 0o077 == 0

    shown = started.up("status")
    assert shown.returncode == 0, shown.stdout
    assert len(re.findall(r"^\S+ +RUNNING ", shown.stdout, re.MULTILINE)) == 3 + len(topology.POOLS)
    assert started.up("logs", "beat").returncode == 0

    again = started.up("--detach")
    assert again.returncode == 0
    assert "running already" in again.stdout
    assert started.token not in again.stdout
    assert password not in again.stdout
    assert "password in var/password" in again.stdout
    assert "$(cat var/token)" in again.stdout


def test_what_a_killed_supervisor_left_behind_is_cleared_away_though_it_hears_nothing(
    running: Checkout,
) -> None:
    token = running.token
    left = {name: int(pid) for name, pid in PROGRAM.findall(running.up("status").stdout)}
    killed = [supervisor_of(running), left.pop("redis")]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, killed)), seconds=10, what="they are gone")
    for pid in left.values():
        os.kill(pid, signal.SIGSTOP)

    again = running.up("--detach", "--flower")

    assert again.returncode == 0, again.stdout
    assert "left behind" in again.stdout
    assert "Flower answers" in again.stdout
    assert running.token == token
    assert running.answers("/readyz") == 200


def test_it_stops_everything(running: Checkout) -> None:
    stopped = running.up("stop")
    assert stopped.returncode == 0, stopped.stdout
    wait_until(lambda: running.is_gone, seconds=10, what="all has ended")
    assert running.up("status").returncode == 3


def test_ctrl_c_stops_everything(checkout: Checkout, postgres_url: str) -> None:
    checkout.environment.update({"GROUNDWORK_DATABASE_URL": postgres_url, "CI": "true"})
    foreground = checkout.in_foreground()
    assert foreground.stdout
    shown = []
    for line in foreground.stdout:
        shown.append(line)
        if "Ctrl-C" in line:
            break
    assert checkout.token not in "".join(shown), "what a build prints is kept in its log"
    assert (checkout.folder / "var/password").read_text().strip() not in "".join(shown), "as above"
    assert "token=" not in "".join(shown), "as above"
    foreground.send_signal(signal.SIGINT)
    said, _ = foreground.communicate(timeout=stretched(TIMEOUT_SECONDS))

    assert foreground.returncode == 0, said
    assert "Stopped." in said
    wait_until(lambda: checkout.is_gone, seconds=10, what="all has ended")


def test_a_taken_port_is_named_with_its_setting(checkout: Checkout) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", checkout.ports[0]))
        holder.listen()
        refused = checkout.up("--detach")

    assert refused.returncode == 1
    assert re.search(
        rf"^Port {checkout.ports[0]} .* GROUNDWORK_API_PORT in var/groundwork.env",
        refused.stdout,
        re.MULTILINE,
    )
    assert "Traceback" not in refused.stdout


def test_a_database_that_does_not_answer_is_said_before_anything_starts(checkout: Checkout) -> None:
    checkout.environment["GROUNDWORK_DATABASE_URL"] = f"postgresql://x@127.0.0.1:{free_port()}/none"

    refused = checkout.up("--detach")

    assert refused.returncode == 1
    assert "GROUNDWORK_DATABASE_URL" in refused.stdout
    assert "Traceback" not in refused.stdout


def test_a_folder_that_cannot_be_written_is_one_sentence(checkout: Checkout) -> None:
    (checkout.folder / "var").write_text("in the way")

    refused = checkout.up("--detach")
    (checkout.folder / "var").unlink()

    assert refused.returncode == 1
    assert f"{checkout.folder}/var cannot be written" in refused.stdout
    assert "Traceback" not in refused.stdout


def test_a_setting_that_is_refused_at_the_first_start_is_not_written_down(checkout: Checkout) -> None:
    checkout.environment["GROUNDWORK_BROKER_URL"] = "amqp://127.0.0.1"

    refused = checkout.up("--detach")

    assert refused.returncode == 1
    assert "GROUNDWORK_BROKER_URL" in refused.stdout
    assert not (checkout.folder / "var/groundwork.env").exists()
