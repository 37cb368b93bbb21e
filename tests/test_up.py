"""`scripts/up` as a person runs it, in a copy of the checkout that lies deep and has an awkward name."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import topology
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("app", "scripts", "systemd", "pyproject.toml", "README.md")
#: Setting up is not what is timed here; everything answers within a minute or it is a failure.
TIMEOUT_SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A checkout with ports of its own, and the virtual environment of this one."""

    folder: Path
    environment: dict[str, str]

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "scripts" / "up", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )

    def in_foreground(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "scripts" / "up"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def token(self) -> str:
        return (self.folder / "var" / "token").read_text().strip()

    @property
    def ports(self) -> list[int]:
        redis = self.environment["GROUNDWORK_REDIS_URL"]
        return [
            int(self.environment["GROUNDWORK_API_PORT"]),
            int(self.environment["GROUNDWORK_FLOWER_PORT"]),
            int(redis.rpartition(":")[2].removesuffix("/0")),
        ]

    def answers(self, path: str) -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[0]}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)

    @property
    def is_gone(self) -> bool:
        """Whether nothing listens and nothing runs any more."""
        return not self._processes() and not any(map(is_listening, self.ports))

    def _processes(self) -> list[int]:
        mark = os.fsencode(f"GROUNDWORK_ENV_FILE={self.folder}/var/groundwork.env")
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found


def is_listening(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def copy_of_checkout(folder: Path) -> Checkout:
    folder.mkdir(parents=True)
    for name in (*COPIED, *(path.name for path in ROOT.glob("requirements*.txt"))):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDWORK_")}
    ports = {
        "GROUNDWORK_API_PORT": str(free_port()),
        "GROUNDWORK_FLOWER_PORT": str(free_port()),
        "GROUNDWORK_REDIS_URL": f"redis://:pass%2Fword@127.0.0.1:{free_port()}/0",
    }
    return Checkout(folder=folder, environment=kept | ports)


@pytest.fixture(scope="module")
def ready_venv() -> None:
    """Setting up in the copy must have nothing to do, or it would install into this checkout's place."""
    subprocess.run([ROOT / "scripts" / "python", ROOT / "scripts" / "install.py", "dev"], check=True)


@pytest.fixture
def checkout(tmp_path: Path, ready_venv: None) -> Iterator[Checkout]:
    # Deeper than the 107 bytes of a unix socket's address, and with a space in it.
    made = copy_of_checkout(tmp_path / ("deep" * 25) / "a checkout")
    yield made
    made.up("stop")
    assert made.is_gone


def test_it_runs_shows_and_stops_everything(checkout: Checkout) -> None:
    first = checkout.up("--detach")
    assert first.returncode == 0, first.stdout
    assert f"http://127.0.0.1:{checkout.ports[0]}" in first.stdout
    assert checkout.token in first.stdout
    assert checkout.answers("/readyz") == 200

    for name in ("groundwork.env", "token", "redis.conf"):
        assert (checkout.folder / "var" / name).stat().st_mode & 0o077 == 0

    shown = checkout.up("status")
    assert shown.returncode == 0, shown.stdout
    assert len(re.findall(r"^\S+ +RUNNING ", shown.stdout, re.MULTILINE)) == 4 + len(topology.POOLS)
    assert checkout.up("logs", "beat").returncode == 0

    again = checkout.up("--detach")
    assert again.returncode == 0
    assert "running already" in again.stdout
    assert checkout.token in again.stdout

    stopped = checkout.up("stop")
    assert stopped.returncode == 0, stopped.stdout
    assert checkout.is_gone
    assert checkout.up("status").returncode == 3


def test_ctrl_c_stops_everything_and_the_next_start_keeps_the_token(
    checkout: Checkout, postgres_url: str
) -> None:
    checkout.environment["GROUNDWORK_DATABASE_URL"] = postgres_url
    foreground = checkout.in_foreground()
    assert foreground.stdout
    for line in foreground.stdout:
        if "Ctrl-C" in line:
            break
    token = checkout.token
    foreground.send_signal(signal.SIGINT)
    said, _ = foreground.communicate(timeout=TIMEOUT_SECONDS)

    assert foreground.returncode == 0, said
    assert "Stopped." in said
    assert checkout.is_gone

    assert checkout.up("--detach").returncode == 0
    assert checkout.token == token


def test_what_a_killed_supervisor_left_behind_is_cleared_away(checkout: Checkout) -> None:
    assert checkout.up("--detach").returncode == 0
    pid = int((checkout.folder / "var" / "supervisord.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/cmdline").exists(), seconds=10, what="supervisord is gone")

    again = checkout.up("--detach")

    assert again.returncode == 0, again.stdout
    assert "left behind" in again.stdout
    assert checkout.answers("/readyz") == 200


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
